"""What jobs say on their way to the hall, log lines and progress: batched, bounded, and never in anyone's way.

The words of one job leave in the order in which it said them. They wait here while the connection is gone or full.
Lines beyond a job's bound are dropped, and its log says so where that happened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from hirehall.client.link import Link
from hirehall.client.session import Session
from hirehall.runners.logs import STREAM, left_out
from hirehall.worker.held import Clock, Held, Timer

WAITING_CHARACTERS = 256 * 1024  # of one job
MESSAGE_CHARACTERS = 64 * 1024
PROGRESS_SECONDS = 0.1  # progress is told this often at most, every text of it
MOST_TEXTS = 500  # of one job's progress between two times; of a job that says more the latest count
FULL_SECONDS = 0.1  # how soon to look again whether the connection takes more


class Lines(NamedTuple):
    """Lines of one stream that follow each other."""

    stream: str
    texts: list[str]

    def messages(self) -> list[dict[str, Any]]:
        """As the wire says it, each piece small enough for a message."""
        return [{"cmd": "log", "stream": self.stream, "text": piece} for piece in pieces("\n".join(self.texts))]


class Steps(NamedTuple):
    """Progress between which no line came: of the numbers between two texts only the last one."""

    said: list[tuple[float | None, str]]

    def messages(self) -> list[dict[str, Any]]:
        """As the wire says it."""
        return [{"cmd": "progress", "percent": percent, "text": text} for percent, text in self.said]


class Waiting:
    """What one attempt said and was not sent yet, in its order."""

    __slots__ = ("_oldest", "_texts", "lost", "runs", "size")

    def __init__(self) -> None:
        self.runs: list[Lines | Steps] = []
        self.size = 0
        self.lost = 0
        self._texts = 0  # of progress
        self._oldest = 0  # no run before this one holds progress

    def add(self, stream: str, text: str) -> None:
        if self.size + len(text) > WAITING_CHARACTERS:
            self.lost += text.count("\n") + 1
            return
        self._own_up()
        self._append(stream, text)

    def add_progress(self, percent: float | None, text: str) -> None:
        self._own_up()
        last = self.runs[-1] if self.runs else None
        if not isinstance(last, Steps):
            last = Steps([])
            self.runs.append(last)
        if last.said and text in ("", last.said[-1][1]):
            text = last.said.pop()[1]
            self._texts -= 1
        last.said.append((percent, text))
        self._texts += 1
        if self._texts > MOST_TEXTS:
            self._drop_oldest()

    def _drop_oldest(self) -> None:
        while not (isinstance(run := self.runs[self._oldest], Steps) and run.said):
            self._oldest += 1
        del run.said[0]
        self._texts -= 1

    def _own_up(self) -> None:
        if self.lost:
            lost, self.lost = self.lost, 0
            self._append(STREAM, left_out(lost))

    def _append(self, stream: str, text: str) -> None:
        self.size += len(text) + 1
        last = self.runs[-1] if self.runs else None
        if isinstance(last, Lines) and last.stream == stream:
            last.texts.append(text)
        else:
            self.runs.append(Lines(stream, [text]))

    def messages(self) -> list[dict[str, Any]]:
        """All of it, in the order in which it was said."""
        self._own_up()
        return [message for run in self.runs for message in run.messages()]


def pieces(text: str) -> list[str]:
    """`text` in pieces of bounded size, cut between lines where there is a line break in reach."""
    found = []
    while len(text) > MESSAGE_CHARACTERS:
        at = text.rfind("\n", 1, MESSAGE_CHARACTERS)
        found.append(text[: at if at > 0 else MESSAGE_CHARACTERS])
        text = text[at + 1 if at > 0 else MESSAGE_CHARACTERS :]
    return [*found, text]


class JobLogs:
    """The lines and the progress of all attempts in hand."""

    def __init__(self, session: Session, link: Link, clock: Clock, call_soon: Callable[..., object]) -> None:
        self._session = session
        self._link = link
        self._clock = clock
        self._call_soon = call_soon
        self._waiting: dict[Held, Waiting] = {}
        self._scheduled = False
        self._progress_timer: Timer | None = None
        self._is_closed = False

    def add(self, held: Held, stream: str, text: str) -> None:
        """Tell it at the end of this loop turn, or when the connection takes it."""
        self._of(held).add(stream, text)
        if not self._scheduled:
            self._scheduled = True
            self._call_soon(self.flush)

    def add_progress(self, held: Held, percent: float | None, text: str) -> None:
        """Tell it soon, or before the next line: every text, and of the numbers between two texts the last one."""
        self._of(held).add_progress(percent, text)
        if self._progress_timer is None:
            self._progress_timer = self._clock.call_at(self._clock.time() + PROGRESS_SECONDS, self._progress_due)

    def _of(self, held: Held) -> Waiting:
        waiting = self._waiting.get(held)
        if waiting is None:
            waiting = self._waiting[held] = Waiting()
        return waiting

    def _progress_due(self) -> None:
        self._progress_timer = None
        if not self._scheduled:
            self.flush()

    def flush(self) -> None:
        """Say what waits, if the connection takes it; else look again soon."""
        self._scheduled = False
        if not self._waiting or self._is_closed:
            return
        if not self._session.is_open or not self._link.is_writable:
            self._scheduled = True
            self._clock.call_at(self._clock.time() + FULL_SECONDS, self.flush)
            return
        for held in list(self._waiting):
            self.tell(held)
        self._link.wake()

    def tell_all(self, ended: Iterable[Held]) -> None:
        """Say what waits of these attempts; mostly nothing does."""
        if self._waiting:
            for held in ended:
                self.tell(held)

    def tell(self, held: Held) -> None:
        """Say what waits of this attempt, however full the connection is: its answer comes next."""
        if not self._session.is_open:
            return  # it waits for the next connection
        waiting = self._waiting.pop(held, None)
        if waiting is not None:
            for message in waiting.messages():
                self._session.tell({**message, "id": held.id, "attempt": held.attempt})

    def close(self) -> None:
        """The agent has left."""
        self._is_closed = True

    def forget(self, told: Iterable[Held]) -> None:
        """Nobody will hear them any more; mostly there is nothing to hear."""
        if self._waiting:
            for held in told:
                self._waiting.pop(held, None)
