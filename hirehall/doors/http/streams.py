"""Server-sent events: what a session of ours hears, said on for as long as the peer reads."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response

from hirehall.doors.http.calls import Calls, identity_of, json_answer, read, until_gone
from hirehall.doors.http.guard import Receive, Scope, Send, peer_of
from hirehall.doors.http.inputs import Input
from hirehall.errors import BadRequest
from hirehall.service.asking import Asking, Push
from hirehall.service.news import News
from hirehall.wire.codec import encode
from hirehall.wire.replies import EventPush, LogPart, LogPush

if TYPE_CHECKING:
    from hirehall.service.hall import Hall


CLOGGED_BYTES = 1 << 20  # unsaid: the hall tells it nothing more for now
QUIET_SECONDS = 15.0  # then a comment, so that nobody on the way thinks it is over
CUT_SECONDS = 30.0  # a peer that takes nothing for so long is cut off
START = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
LAST_EVENT_ID = "last-event-id"
MAX_EVENT_ID = 64
_LOG_PLACE = re.compile("([0-9]{1,14})-([0-9]{1,14})")


def frame(data: bytes, place: str, event: str = "") -> bytes:
    """One event on the stream; `place` is what the client comes back with."""
    name = b"event: " + event.encode() + b"\n" if event else b""
    return b"id: " + place.encode() + b"\n" + name + b"data: " + data + b"\n\n"


class Stream(Response):
    """An answer without end. `ask` asks for what shall be heard, `frames` makes of that what is said; `take` is what
    has to be said now."""

    pace_seconds = 0.0  # at least so long between two things said
    gather_seconds = 0.0  # what comes so soon after a first thing is said with it

    def __init__(
        self, hall: Hall, request: Request, ask: Callable[[], Awaitable[None]], frames: Callable[[Push], bytes]
    ) -> None:
        super().__init__()
        self._hall = hall
        self._ask, self._frames = ask, frames
        self._parts: list[bytes] = []
        self._bytes = 0
        self._has_news = False
        self._resting: asyncio.Future[None] | None = None
        self._over = False
        self.session = Asking(hall, identity_of(request), self._heard, peer=peer_of(request.scope))

    async def begin(self) -> None:
        """Ask for what shall be heard. Raises HallError, and then nothing has begun."""
        try:
            await self._ask()
        except BaseException:
            self.leave()
            raise

    def _heard(self, pushes: Sequence[Push]) -> None:
        for push in pushes:
            self.add(self._frames(push))
        self.wake()

    def add(self, part: bytes) -> None:
        """Something to say, in its turn."""
        self._parts.append(part)
        self._bytes += len(part)
        self.wake()
        if self._bytes > CLOGGED_BYTES and not self.session.clogged and not self.session.closed:
            self._hall.clogged(self.session, True)

    def end(self) -> None:
        """Nothing more comes."""
        self._over = True
        self.wake()

    def wake(self) -> None:
        """There is something to do."""
        self._has_news = True
        if self._resting is not None and not self._resting.done():
            self._resting.set_result(None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        gone = asyncio.ensure_future(until_gone(receive))
        gone.add_done_callback(lambda _: self.wake())
        try:
            await send({"type": "http.response.start", "status": 200, "headers": list(START)})
            if scope["method"] == "HEAD":
                await send({"type": "http.response.body", "body": b""})
                return
            await self._say_all(send, gone)
        except TimeoutError:
            self.session.cut_off(CUT_SECONDS)
            scope["state"]["abort"]()
        finally:
            gone.cancel()
            self.leave()

    def leave(self) -> None:
        """Nobody listens any more."""
        self.session.leave()

    def take(self) -> bytes:
        """What is to be said, which counts as said from now on."""
        parts, self._parts, self._bytes = self._parts, [], 0
        return b"".join(parts)

    async def _say_all(self, send: Send, gone: asyncio.Future[None]) -> None:
        while not gone.done():
            self._has_news = False
            said = self.take()
            if self.session.clogged and not self.session.closed:
                self._hall.clogged(self.session, False)
            is_last = self._over or self.session.closed
            if said or is_last:
                async with asyncio.timeout(CUT_SECONDS):
                    await send({"type": "http.response.body", "body": said, "more_body": not is_last})
            if is_last:
                return
            if said and self.pace_seconds:
                await asyncio.sleep(self.pace_seconds)
            if not self._has_news:
                await self._rest()
                if self.gather_seconds:
                    await asyncio.sleep(self.gather_seconds)

    async def _rest(self) -> None:
        """Until there is something to say; when there is nothing for long, that."""
        loop = asyncio.get_running_loop()
        self._resting = loop.create_future()
        alarm = loop.call_later(QUIET_SECONDS, self.add, b":\n\n")
        try:
            await self._resting
        finally:
            alarm.cancel()
            self._resting = None


class EventStream(Stream):
    """What happens in the hall."""

    pace_seconds = 0.02  # a busy hall commits much more often, and what is written at once costs the least

    def __init__(self, hall: Hall, request: Request, watch: Any) -> None:
        super().__init__(hall, request, self._begin, self._event)
        self._watch = watch

    async def _begin(self) -> None:
        reply = await self.session.ask(self._watch)
        early, self._parts = self._parts, []
        self.add(frame(encode(reply), reply.seq, "begin"))
        self._parts += early

    def _event(self, push: Push) -> bytes:
        if isinstance(push, News):
            return push.frames
        assert isinstance(push, EventPush), "nothing else is told of events: a gap"
        return frame(encode(push), push.seq)


class LogStream(Stream):
    """An attempt's log until its end."""

    def __init__(self, hall: Hall, request: Request, log_of: Any) -> None:
        super().__init__(hall, request, self._begin, self._more)
        self._log_of = log_of

    async def _begin(self) -> None:
        reply = await self.session.ask(self._log_of)
        early, self._parts = self._parts, []
        self.add(self._part(reply.log))
        self._parts += early

    def _more(self, push: Push) -> bytes:
        assert isinstance(push, LogPush), "nothing else is followed"
        return self._part(push.log)

    def _part(self, part: LogPart) -> bytes:
        place = f"{part.attempt}-{part.next}"
        data = frame(self.said(part), place)
        if part.ended:
            data += frame(b"{}", place, "end")
            self.end()
        return data

    def said(self, part: LogPart) -> bytes:
        """A part as this stream's readers want it."""
        return encode(part)


def log_place(text: str) -> tuple[int, int] | None:
    """The attempt and the offset that the id of an event of a log says; None for what is no such id."""
    found = _LOG_PLACE.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]))


async def events(calls: Calls, what: Input, request: Request) -> Response:
    """`Last-Event-ID` counts before `since`: a browser that comes back knows better than its address."""
    watch = what.request({}, await read(what, request))
    last = request.headers.get(LAST_EVENT_ID)
    if last:
        watch.since = last[:MAX_EVENT_ID]
    stream = EventStream(calls.hall, request, watch)
    await stream.begin()
    return stream


async def log(calls: Calls, what: Input, request: Request) -> Response:
    """A part of the log as JSON, or all of it as a stream for who accepts that."""
    asked = what.request(request.path_params, await read(what, request))
    if "text/event-stream" not in request.headers.get("accept", ""):
        return json_answer(await calls.ask(request, asked))
    last = request.headers.get(LAST_EVENT_ID)
    if last:
        found = log_place(last)
        if found is None:
            raise BadRequest("Last-Event-ID is none of this stream's: leave it out to begin anew")
        asked.attempt, asked.offset = found
    asked.follow = True
    stream = LogStream(calls.hall, request, asked)
    await stream.begin()
    return stream
