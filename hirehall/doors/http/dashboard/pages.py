"""Requests for pages: a view as a whole, live, and what its buttons do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hirehall import __version__
from hirehall.doors.http.calls import asks, body_of, identity_of
from hirehall.doors.http.dashboard import queues, statics, workers
from hirehall.doors.http.dashboard.job_extras import JobExtras
from hirehall.doors.http.dashboard.live import Looks, Reader, keys_of
from hirehall.doors.http.dashboard.overview import RAIL
from hirehall.doors.http.dashboard.rendering import render, render_part
from hirehall.doors.http.dashboard.view import Ask, Facts, View, chosen
from hirehall.doors.http.dashboard.views import VIEWS
from hirehall.errors import Forbidden, HallError
from hirehall.service.sessions import Identity
from hirehall.wire.codec import decode_whole

if TYPE_CHECKING:
    from hirehall.doors.http.who import Who
    from hirehall.service.hall import Hall

HTML = "text/html"
_form: msgspec.json.Decoder[Any] = msgspec.json.Decoder(dict[str, str])


class Pages:
    """The pages of one hall."""

    def __init__(self, hall: Hall, who: Who) -> None:
        self.hall = hall
        self._who = who
        self.looks = Looks()

    def routes(self) -> list[Route]:
        """Where they are."""
        shown = [Route(view.path, self._endpoint(view), methods=["GET"]) for view in VIEWS.values()]
        return [
            *JobExtras(self.hall).routes(),
            *shown,
            Route("/queues/{queue}", self.set_queue, methods=["POST"]),
            Route("/queues/{queue}/{do}", self.tell_queue, methods=["POST"]),
            Route("/workers/{worker}/{do}", self.tell_worker, methods=["POST"]),
            Route("/live", self.live, methods=["GET"]),
            Route(statics.ROUTE, statics.static, methods=["GET"]),
        ]

    def _endpoint(self, view: View):  # type: ignore[no-untyped-def]
        async def endpoint(request: Request) -> Response:
            params = view.read({**request.query_params, **request.path_params})
            with asks(self.hall, request) as session:
                return Response(await self._page(view, params, request, session.ask), media_type=HTML)

        return endpoint

    async def _page(self, view: View, params: Mapping[str, str], request: Request, ask: Ask) -> str:
        identity = may_look(request)
        facts = await RAIL.facts(ask, {"place": view.place}) | await view.facts(ask, params)
        frame = {"may": identity.roles, "who": identity.name, "view": view, "version": __version__}
        return render(f"{view.name}.html", facts | frame | {"query": view.query(params)})

    async def live(self, request: Request) -> Response:
        """The parts of a page, now and whenever they change."""
        may_look(request)
        view, params = chosen(VIEWS, request.query_params)
        reader = Reader(self.hall, request, self.looks, keys_of(request, RAIL, view, params))
        reader.may_hear = self._who.stays_in(request.scope)
        await reader.begin()
        return reader

    async def set_queue(self, request: Request) -> Response:
        """The form of a queue."""
        name = request.path_params["queue"]
        return await self.act(
            request, queues.setting(name, await form_of(request)), f"The settings of {name} are saved."
        )

    async def tell_queue(self, request: Request) -> Response:
        """A button of a queue."""
        name, do = request.path_params["queue"], request.path_params["do"]
        message = queues.order(name, do)
        return await self.act(request, message, f"{name} {queues.DONE[do]}.")

    async def tell_worker(self, request: Request) -> Response:
        """A button of a worker."""
        worker, do = request.path_params["worker"], request.path_params["do"]
        message = workers.order(worker, do)
        return await self.act(request, message, f"{worker} {workers.ACTS[do]}.")

    async def act(self, request: Request, message: Any, said: str) -> Response:
        """Do it, then answer the parts of the page that the query names; all others hear of it at once. Who may not see
        what has become of it does nothing here."""
        may_look(request)
        view, params = chosen(VIEWS, request.query_params)
        with asks(self.hall, request) as session:
            await session.ask(message)
            facts: Facts = await view.facts(session.ask, params)
        self.looks.changed()
        facts |= {"may": identity_of(request).roles, "query": view.query(params), "said": said}
        return Response(b"".join(render_part(part, facts) for part in (*view.parts, "said")), media_type=HTML)


def may_look(request: Request) -> Identity:
    """Who asks. Raises Forbidden unless they may see pages at all."""
    identity = identity_of(request)
    if "read" not in identity.roles:
        raise Forbidden(f"token {identity.name!r} does not have the role read: it sees no pages")
    return identity


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, as our pages send them."""
    return decode_whole(await body_of(request) or b"{}", _form)  # type: ignore[no-any-return]


def error_page(error: HallError, status: int) -> bytes:
    """What a person sees instead of a page."""
    return render("error.html", {"status": status, "message": error.message}).encode()


def login_page() -> bytes:
    """Where somebody says who they are."""
    return render("login.html", {}).encode()
