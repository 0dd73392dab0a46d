"""Somebody inside this process who asks the hall, as a session like any other: its roles, order and pressure hold, and
an answer comes when what it says is durable."""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from msgspec import UNSET, Raw, Struct

from hirehall.errors import HallError, Unavailable, Unknown, from_wire
from hirehall.service.news import News
from hirehall.service.sessions import Identity, Session
from hirehall.wire.replies import ErrorReply, Jobs, LogReply

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

log = logging.getLogger("hirehall")

Push = Struct | dict[str, Any] | bytes | News  # bytes: encoded already
Heard = Callable[[Sequence[Push]], None]  # an empty one: nothing more comes


def nothing_heard(pushes: Sequence[Push]) -> None:
    """For who asks and does not listen."""


class Inside:
    """The connection of somebody in this process: nothing is written. Implements ports.Connection."""

    def __init__(self, closed: Callable[[], None]) -> None:
        self._closed = closed

    def send(self, data: bytes) -> None:
        """Never called: everything put to an Asking arrives at once."""

    def close(self) -> None:
        """The hall sends the session away."""
        self._closed()

    def pause(self) -> None:
        """Whoever is inside asks for little before it was answered."""

    def resume(self) -> None:
        """See pause."""


class Asking(Session):
    """A session whose replies go to who asked, and whose pushes go to `heard`. Use it by `asking`, or `leave` it."""

    def __init__(
        self, hall: Hall, identity: Identity, heard: Heard = nothing_heard, worker: str = "", peer: str = ""
    ) -> None:
        super().__init__(0, Inside(self._sent_away), identity)
        self._hall = hall
        self.peer = peer
        self._heard = heard
        self._refs = itertools.count(1)
        self._asked: dict[bytes, asyncio.Future[Any]] = {}
        self._why: HallError | None = None  # it was sent away
        hall.joined(self)
        self.greet(identity, worker, worker)

    @property
    def is_asking(self) -> bool:
        """Whether an answer has yet to come."""
        return bool(self._asked)

    async def ask(self, message: Any) -> Any:
        """Say one message; its reply. Raises the error that the reply would tell; Unknown when the hall ends, or sends
        the session away, before it has answered; Unavailable when it was not even said."""
        return await self.say([message])

    async def say(self, messages: list[Any]) -> Any:
        """Say these messages in one piece; the reply to the last one."""
        if self.closed or not self._hall.is_listening:
            raise self._why or Unavailable("the hall goes down: ask again when it is back")
        ref = b"%d" % next(self._refs)
        answered = asyncio.get_running_loop().create_future()
        self._asked[ref] = answered
        messages[-1].ref = Raw(ref)
        try:
            self._hall.received(self, messages)
            return await answered
        finally:
            self._asked.pop(ref, None)

    def leave(self, why: HallError | None = None) -> None:
        """Ask nothing more, hear nothing more; `why` is for who waits for an answer."""
        self._hall.closed(self)
        self._end(why or Unknown())

    def cut_off(self, seconds: float) -> None:
        """Whoever it speaks for has taken nothing for so long, and is not waited for."""
        self._hall.metrics.counts["cut_off"] += 1
        about = {"session": f"{self.number:x}", "token": self.identity.name}
        log.info("a stream is cut off: its reader has taken nothing for %d s", seconds, extra=about)

    # What the hall says.

    def put(self, message: Struct | dict[str, Any] | Raw) -> int:
        """A reply, or a push; about its bytes."""
        if isinstance(message, Raw):
            return self.put_lines([bytes(message)])
        ref = message.get("ref") if isinstance(message, dict) else getattr(message, "ref", UNSET)
        if ref:
            self._reply(bytes(ref), message)
        elif isinstance(message, ErrorReply):  # a last word
            self._why = from_wire(message.error.code, message.error.message)
        elif not isinstance(message, Struct) or not hasattr(message, "ref"):
            self._heard([message])
        return _weight(message)

    def put_lines(self, lines: list[bytes]) -> int:
        """Pushes that are encoded already: of several messages said in one piece only the last is answered here."""
        if lines:
            self._heard(lines)
        return sum(map(len, lines))

    def put_news(self, news: News) -> None:
        """Events, which whoever listens makes into what it says."""
        self._heard([news])

    def _reply(self, ref: bytes, message: Any) -> None:
        answered = self._asked.get(ref)
        if answered is None or answered.done():
            return
        if isinstance(message, ErrorReply):
            answered.set_exception(from_wire(message.error.code, message.error.message))
        else:
            message.ref = UNSET
            answered.set_result(message)

    def _sent_away(self) -> None:
        self._hall.closed(self)
        self._end(self._why or Unknown())

    def _end(self, why: HallError) -> None:
        self._why = self._why or why
        self._heard([])
        for answered in self._asked.values():
            if not answered.done():
                answered.set_exception(why)


def _weight(message: Struct | dict[str, Any]) -> int:
    """What an answer weighs, as far as it can be much: others have their turn before the next large one."""
    if isinstance(message, Jobs):
        return sum(len(body) for view in message.jobs for body in (view.payload, view.result) if body is not UNSET)
    if isinstance(message, LogReply):
        return sum(map(len, message.log.entries))
    return 0


@contextmanager
def asking(hall: Hall, identity: Identity, peer: str = "") -> Iterator[Asking]:
    """A session for as long as the block; whoever is cancelled in it has left it."""
    session = Asking(hall, identity, peer=peer)
    try:
        yield session
    finally:
        session.leave()
