"""Log lines of jobs on their way to the hall: batched by job and loop turn, bounded, and never in anyone's way.

Lines wait here while the connection is gone or full. What a job says beyond its bound is dropped, and its log says
so where that happened.
"""

from __future__ import annotations

from collections.abc import Callable

from hirehall.client.link import Link
from hirehall.client.session import Session
from hirehall.runners.logs import STREAM, left_out
from hirehall.worker.held import Clock, Held

WAITING_CHARACTERS = 256 * 1024  # of one job
MESSAGE_CHARACTERS = 64 * 1024
FULL_SECONDS = 0.1  # how soon to look again whether the connection takes more


class Waiting:
    """The lines of one attempt that were not sent yet: runs of one stream each."""

    __slots__ = ("lost", "runs", "size")

    def __init__(self) -> None:
        self.runs: list[tuple[str, list[str]]] = []
        self.size = 0
        self.lost = 0

    def add(self, stream: str, text: str) -> None:
        if self.size + len(text) > WAITING_CHARACTERS:
            self.lost += text.count("\n") + 1
            return
        self._own_up()
        self._append(stream, text)

    def _own_up(self) -> None:
        if self.lost:
            lost, self.lost = self.lost, 0
            self._append(STREAM, left_out(lost))

    def _append(self, stream: str, text: str) -> None:
        self.size += len(text) + 1
        if self.runs and self.runs[-1][0] == stream:
            self.runs[-1][1].append(text)
        else:
            self.runs.append((stream, [text]))

    def messages(self) -> list[tuple[str, str]]:
        """All of it, in the order in which it was said, each piece small enough for a message."""
        self._own_up()
        return [(stream, piece) for stream, texts in self.runs for piece in pieces("\n".join(texts))]


def pieces(text: str) -> list[str]:
    """`text` in pieces of bounded size, cut between lines where there is a line break in reach."""
    found = []
    while len(text) > MESSAGE_CHARACTERS:
        at = text.rfind("\n", 1, MESSAGE_CHARACTERS)
        found.append(text[: at if at > 0 else MESSAGE_CHARACTERS])
        text = text[at + 1 if at > 0 else MESSAGE_CHARACTERS :]
    return [*found, text]


class JobLogs:
    """The lines of all attempts in hand."""

    def __init__(self, session: Session, link: Link, clock: Clock, call_soon: Callable[..., object]) -> None:
        self._session = session
        self._link = link
        self._clock = clock
        self._call_soon = call_soon
        self.before: Callable[[], object] = list  # called before lines are told
        self._waiting: dict[Held, Waiting] = {}
        self._scheduled = False
        self._is_closed = False

    def add(self, held: Held, stream: str, text: str) -> None:
        """Tell it at the end of this loop turn, or when the connection takes it."""
        waiting = self._waiting.get(held)
        if waiting is None:
            waiting = self._waiting[held] = Waiting()
        waiting.add(stream, text)
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self.flush)

    def flush(self) -> None:
        """Say what waits, if the connection takes it; else look again soon."""
        self._scheduled = False
        if not self._waiting or self._is_closed:
            return
        if not self._session.is_open or not self._link.is_writable:
            self._scheduled = True
            self._clock.call_at(self._clock.time() + FULL_SECONDS, self.flush)
            return
        self.before()
        for held in list(self._waiting):
            self.tell(held)
        self._link.wake()

    def tell(self, held: Held) -> None:
        """Say what waits of this attempt, however full the connection is: its answer comes next."""
        waiting = self._waiting.pop(held, None)
        if waiting is not None and self._session.is_open:
            for stream, text in waiting.messages():
                self._session.tell(
                    {"cmd": "log", "id": held.id, "attempt": held.attempt, "stream": stream, "text": text}
                )

    def close(self) -> None:
        """The agent has left."""
        self._is_closed = True

    def forget(self, held: Held) -> None:
        """Nobody will hear it any more."""
        self._waiting.pop(held, None)
