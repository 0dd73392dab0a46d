"""One call: its row says how the request is read; the hall judges; the reply is JSON. No rule is here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from hirehall import tracing
from hirehall.doors.http.answers import JSON
from hirehall.doors.http.guard import Receive, peer_of
from hirehall.doors.http.inputs import Input
from hirehall.doors.http.statuses import of_status
from hirehall.errors import BadRequest, Forbidden, HallError, NotFound
from hirehall.model import MAX_MESSAGE
from hirehall.service.asking import Asking, asking
from hirehall.service.claims import Claims, Wish
from hirehall.service.sessions import Identity
from hirehall.wire import replies, requests
from hirehall.wire.codec import encode

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

MAX_CLAIM = 1_000
LONGEST_WAIT = 300.0  # seconds that a claim may wait
T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]
Answerer = Callable[["Calls", Input, Request], Awaitable[Response]]


class Gone(HallError):
    """whoever asked has gone"""

    code = "unavailable"


def json_answer(value: Any, status: int = 200) -> Response:
    """A reply."""
    return Response(encode(value), status, media_type=JSON)


async def body_of(request: Request) -> bytes:
    """The whole body. Raises TooLarge before more of it is kept than a line may have."""
    too_large = of_status(413, f"a body has at most {MAX_MESSAGE} bytes")
    declared = request.headers.get("content-length", "0")
    if len(declared) > 18 or int(declared) > MAX_MESSAGE:
        raise too_large
    body = bytearray()
    try:
        async for part in request.stream():
            body += part
            if len(body) > MAX_MESSAGE:
                raise too_large
    except ClientDisconnect:
        raise Gone from None
    return bytes(body)


async def unless_gone(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """What `work` comes to; cancelled, and Gone raised, when the peer closes its connection first."""
    task = asyncio.ensure_future(work)
    gone = asyncio.ensure_future(until_gone(request.receive))
    try:
        await asyncio.wait({task, gone}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            raise Gone
        return task.result()
    finally:
        gone.cancel()
        if not task.done():
            task.cancel()
            await asyncio.wait({task})


async def until_gone(receive: Receive) -> None:
    """Until the peer has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


class Calls:
    """Answers the operations of the table."""

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.claims = Claims(hall)

    async def answer(self, what: Input, request: Request) -> Response:
        """Do what this row says."""
        special = SPECIAL.get(what.operation.special)
        if special is not None:
            return await special(self, what, request)
        message = what.request(request.path_params, await read(what, request))
        return json_answer(await self.ask(request, message), what.operation.status)

    async def ask(self, request: Request, message: Any) -> Any:
        """The reply to one command of whoever asks."""
        with asks(self.hall, request) as session:
            return await session.ask(message)


def identity_of(request: Request) -> Identity:
    """Who asks: `Who` has seen to it."""
    identity = request.scope["state"]["identity"]
    assert isinstance(identity, Identity)
    return identity


def asks(hall: Hall, request: Request) -> AbstractContextManager[Asking]:
    """A session of whoever asks, for as long as the block."""
    return asking(hall, identity_of(request), peer_of(request.scope))


async def read(what: Input, request: Request) -> Any:
    """The fields that come in the body or the query."""
    if what.operation.has_body:
        if request.url.query:
            what.query(b"nothing=" if not what.names else b"body=")  # a parameter that would be lost is refused
        return what.body(await body_of(request))
    if await body_of(request):
        raise BadRequest(f"{request.method} takes no body: write parameters into the query")
    return what.query(request.scope["query_string"])


async def get(calls: Calls, what: Input, request: Request) -> Response:
    """One job, as itself."""
    await read_nothing(what, request)
    job = request.path_params["id"]
    reply = await calls.ask(request, requests.Get(ids=[job]))
    if not reply.jobs:
        raise NotFound(f"there is no job {job[:40]} that you may see")
    return json_answer(reply.jobs[0])


async def queue(calls: Calls, what: Input, request: Request) -> Response:
    """One of those that may be seen; one that is as by default and empty, who might set it."""
    await read_nothing(what, request)
    name = request.path_params["queue"]
    listed = (await calls.ask(request, requests.Queues())).queues
    found = next((one for one in listed if one.queue == name), None)
    if found is not None:
        return json_answer(replies.QueueReply(queue=found))
    try:
        return json_answer(await calls.ask(request, requests.Queue(queue=name)))
    except Forbidden:
        raise NotFound(f"queue {name[:64]!r} has no jobs, workers or settings of its own that you may see") from None


async def submit(calls: Calls, what: Input, request: Request) -> Response:
    """Jobs carry the trace of the request that hands them in (W3C Trace Context), unless they say one themselves."""
    message = what.request({}, await read(what, request))
    said = {name: request.headers.get(name, "") for name in (tracing.PARENT, tracing.STATE)}
    for job in [message, *(message.jobs or ())] if tracing.of(said) else ():
        if job is message or job.meta:
            job.meta = tracing.carried({"meta": job.meta}, tracing.of(said))["meta"]
    return json_answer(await calls.ask(request, message), what.operation.status)


async def read_nothing(what: Input, request: Request) -> None:
    """For who takes only a path."""
    if await body_of(request):
        raise BadRequest(f"{request.method} takes no body")
    if request.scope["query_string"]:
        what.query(request.scope["query_string"])


async def wait(calls: Calls, what: Input, request: Request) -> Response:
    """Nobody waits on whose connection has closed."""
    message = what.request({}, await read(what, request))
    return json_answer(await unless_gone(request, calls.ask(request, message)))


# A worker that polls.


async def claim(calls: Calls, what: Input, request: Request) -> Response:
    """Jobs for a worker; given back when nobody is there any more to hear of them."""
    wanted = await read(what, request)
    if not 1 <= wanted.n <= MAX_CLAIM:
        raise BadRequest(f"n is {wanted.n}: claim 1 to {MAX_CLAIM} jobs at once")
    if not 0 <= wanted.wait_seconds <= LONGEST_WAIT:
        raise BadRequest(f"wait_seconds is {wanted.wait_seconds}: give 0 to {LONGEST_WAIT:g}")
    poller = await calls.claims.of(identity_of(request), wanted.worker)
    wish = Wish(wanted.queues, wanted.kinds, wanted.offers, wanted.n, wanted.lease_seconds)
    claimed = await unless_gone(request, poller.claim(wish, wanted.wait_seconds))
    if await request.is_disconnected():
        await poller.give_back(claimed.run)
        raise Gone
    return json_answer(claimed)


async def beat(calls: Calls, what: Input, request: Request) -> Response:
    """Only what is named lives on."""
    said = await read(what, request)
    poller = await calls.claims.of(identity_of(request), said.worker)
    return json_answer(await poller.beat(said.jobs))


async def answered(calls: Calls, what: Input, request: Request) -> Response:
    """A worker says something about what it holds."""
    said = await read(what, request)
    message = what.request(request.path_params, said)
    for name in {"attempt", "jobs"} & set(what.names):
        setattr(message, name, getattr(said, name))
    poller = await calls.claims.of(identity_of(request), said.worker)
    return json_answer(await poller.ask(message))


SPECIAL: dict[str, Answerer] = {
    "submit": submit, "get": get, "queue": queue, "wait": wait, "claim": claim, "beat": beat, "answer": answered,
}  # fmt: skip
