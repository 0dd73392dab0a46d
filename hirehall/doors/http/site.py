"""Everything behind the HTTP door, wired: guard, who, routes. Imported with the first connection."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, Router
from uvicorn.config import Config
from uvicorn.server import ServerState

from hirehall.doors.http import downloads, openapi, pages, streams, uploads, watching
from hirehall.doors.http.calls import SPECIAL, Calls, Endpoint
from hirehall.doors.http.connection import KEEP_ALIVE_SECONDS, HttpConnection
from hirehall.doors.http.dashboard import statics
from hirehall.doors.http.dashboard.pages import Pages
from hirehall.doors.http.guard import Guard, Receive, Scope, Send
from hirehall.doors.http.inputs import Input
from hirehall.doors.http.operations import BASE, OPERATIONS
from hirehall.doors.http.who import Who
from hirehall.errors import HallError, Unauthenticated, Unavailable
from hirehall.service.asking import Asking

if TYPE_CHECKING:
    from hirehall.doors.http.door import HttpDoor
    from hirehall.doors.places import Place
    from hirehall.doors.unfinished import Unfinished

PUBLIC = frozenset({"/login"}) | statics.PUBLIC | watching.PUBLIC
SPECIAL.update(events=streams.events, log=streams.log, download=downloads.download, **uploads.UPLOADS)


class Site:
    """What a connection speaks to."""

    def __init__(self, door: HttpDoor) -> None:
        self.calls = Calls(door.hall)
        self.who = Who(door.hall, door.knocks)
        self.pages = Pages(door.hall, self.who)
        self.routes = self._routes()
        self._router = Router(self.routes, redirect_slashes=False)
        self._config = Config(
            Guard(self._known, door.names),
            http=HttpConnection,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        self._config.load()
        self._state = ServerState()

    def connection(self, place: Place, unfinished: Unfinished) -> HttpConnection:
        """For a socket that has come in."""
        return HttpConnection(self._config, self._state, place, unfinished)

    async def _known(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Nothing but the login is for strangers, whatever route there may be."""
        scope["app"] = self  # so that what the router does not find is an exception
        if not pages.is_looked_at(scope):
            await self._answer(scope, receive, send)
            return
        try:
            await self._answer(scope, receive, send)
        except Unauthenticated:
            await RedirectResponse(pages.login_address(scope), 303)(scope, receive, send)
        except (HallError, HTTPException) as exc:
            if scope["path"].startswith(BASE):
                raise
            await pages.error(exc, scope)(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] not in PUBLIC:
            scope["state"]["identity"] = self.who.asks(scope)
        await self._router(scope, receive, send)

    def _routes(self) -> list[Route]:
        inputs: dict[str, dict[str, Input]] = {}
        for operation in OPERATIONS:
            inputs.setdefault(BASE + operation.path, {})[operation.method] = Input(operation)
        # A path without braces comes before one whose word could be its name.
        rows = sorted(inputs.items(), key=lambda row: "{" in row[0])
        routes = [Route(path, self._endpoint(by_method), methods=list(by_method)) for path, by_method in rows]
        return [
            *routes,
            *watching.routes(self.calls),
            Route(f"{BASE}/openapi.json", openapi.document, methods=["GET"]),
            Route(BASE, pages.reference, methods=["GET"]),
            *self.pages.routes(),
            Route("/login", pages.Login(self.who), methods=["GET", "POST"]),
            Route("/logout", pages.Logout(self.who), methods=["POST"]),
        ]

    def _endpoint(self, by_method: dict[str, Input]) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            return await self.calls.answer(by_method[method], request)

        return endpoint

    async def close(self, patience_seconds: float) -> None:
        """What can be answered is; then every connection closes."""
        self.calls.claims.close()
        for session in list(self.calls.hall.sessions.values()):
            if isinstance(session, Asking):
                session.leave(Unavailable("the hall goes down: what it has not answered has not happened"))
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(set(self._state.tasks), timeout=patience_seconds)
        for task in self._state.tasks:
            task.cancel()
        for connection in list(self._state.connections):
            connection.transport.abort()
