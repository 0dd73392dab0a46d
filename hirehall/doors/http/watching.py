"""What those ask that watch over a hall: whether it lives, whether it takes jobs, and its figures for Prometheus.

The first two are for everybody, since who starts programs anew has no token: they say yes, or which of a few sentences
is why not, and no name, path or number of this hall. Figures are for the role read, by token as everything else."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hirehall.doors.http.calls import Calls, Endpoint, identity_of, json_answer
from hirehall.errors import Unavailable
from hirehall.service import exposition, health
from hirehall.wire.replies import Reply

PUBLIC = frozenset({"/healthz", "/readyz"})
METRICS = "/metrics"
STOPS = "the hall stops: its log says why"


def routes(calls: Calls) -> list[Route]:
    """Theirs."""

    async def healthz(request: Request) -> Response:
        if not health.alive(calls.hall)[0]:
            raise Unavailable(STOPS)
        return json_answer(Reply())

    async def readyz(request: Request) -> Response:
        lives, is_ready = health.alive(calls.hall)[0], health.ready(calls.hall)
        if not lives or not is_ready[0]:
            raise Unavailable(is_ready[1].replace("\n", "; ") if lives else STOPS)
        return json_answer(Reply())

    async def metrics(request: Request) -> Response:
        text = await exposition.scrape(calls.hall, identity_of(request))
        return Response(text, headers={"content-type": exposition.CONTENT_TYPE})

    found: dict[str, Endpoint] = {"/healthz": healthz, "/readyz": readyz, METRICS: metrics}
    return [Route(path, endpoint, methods=["GET"]) for path, endpoint in found.items()]
