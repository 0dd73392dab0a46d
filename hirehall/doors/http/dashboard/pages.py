"""Requests for pages: a view as a whole, live, and what its buttons do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from hirehall import __version__
from hirehall.doors.http.answers import HTML
from hirehall.doors.http.calls import Endpoint, asks, body_of, identity_of
from hirehall.doors.http.dashboard import queues, statics, workers
from hirehall.doors.http.dashboard.job_extras import JobExtras
from hirehall.doors.http.dashboard.live import Looks, Reader, keys_of
from hirehall.doors.http.dashboard.overview import OVERVIEW, RAIL
from hirehall.doors.http.dashboard.rendering import render, render_part
from hirehall.doors.http.dashboard.view import Ask, Facts, View, chosen
from hirehall.doors.http.dashboard.views import VIEWS, check_view, places, sees
from hirehall.errors import HallError
from hirehall.service.sessions import Identity
from hirehall.wire.codec import decode_whole

if TYPE_CHECKING:
    from hirehall.doors.http.who import Who
    from hirehall.service.hall import Hall

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

    def _endpoint(self, view: View) -> Endpoint:
        async def endpoint(request: Request) -> Response:
            identity = identity_of(request)
            first = next(iter(places(identity.roles)), view)
            if view is OVERVIEW and not view.is_for(identity.roles) and first is not view:
                return RedirectResponse(first.path, 303)  # who logs in comes here
            check_view(view, identity)
            params = view.read({**request.query_params, **request.path_params})
            with asks(self.hall, request) as session:
                return Response(await self._page(view, params, identity, session.ask), media_type=HTML)

        return endpoint

    async def _page(self, view: View, params: Mapping[str, str], identity: Identity, ask: Ask) -> str:
        rail: Facts = {"totals": None, "place": view.place}
        if RAIL.is_for(identity.roles):
            rail = await RAIL.facts(ask, {"place": view.place})
        frame = {"who": identity.name, "view": view, "version": __version__}
        facts = rail | await view.facts(ask, params) | frame | _seen_by(identity)
        return render(f"{view.name}.html", facts | {"query": view.query(params)})

    async def live(self, request: Request) -> Response:
        """The parts of a page, now and whenever they change."""
        view, params = chosen(VIEWS, request.query_params)
        check_view(view, identity_of(request))
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
        view, params = chosen(VIEWS, request.query_params)
        check_view(view, identity_of(request))
        with asks(self.hall, request) as session:
            await session.ask(message)
            facts: Facts = await view.facts(session.ask, params)
        self.looks.changed()
        facts |= _seen_by(identity_of(request)) | {"query": view.query(params), "said": said}
        return Response(b"".join(render_part(part, facts) for part in (*view.parts, "said")), media_type=HTML)


def _seen_by(identity: Identity) -> Facts:
    """What decides which buttons and links a page has."""
    return {"may": identity.roles, "sees": sees(identity.roles)}


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form, as our pages send them."""
    return decode_whole(await body_of(request) or b"{}", _form)  # type: ignore[no-any-return]


def error_page(error: HallError, status: int, identity: Identity | None) -> bytes:
    """What a person sees instead of a page, and where they may go on; `identity` is who that is, if anybody."""
    ways = [] if identity is None else places(identity.roles)
    return render("error.html", {"status": status, "message": error.message, "ways": ways}).encode()


def login_page(said: str) -> bytes:
    """Where somebody says who they are; `said` is why they have to."""
    return render("login.html", {"said": said}).encode()
