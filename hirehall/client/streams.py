"""What a hall goes on telling once it was asked: events, a log, a task's progress. No I/O: a shell gives `put`.

A stream knows how to ask for what comes next, so that a session says it again after a reconnect and nothing is
missing and nothing comes twice.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any, Generic, TypedDict, TypeVar

import msgspec
from msgspec import Struct

from hirehall.client.jobs import LogPart, read_log
from hirehall.client.lines import Line
from hirehall.errors import HallError
from hirehall.wire.replies import TaskReply, TaskView

T = TypeVar("T")
MOST_UNREAD = 100_000  # events


class End(Enum):
    """Nothing more will come."""

    END = 0


END = End.END


class Event(Struct, kw_only=True):
    """Something happened. `event` is a step of a job's life, or `gap`: events are missing before this one, so
    read again what you know. `seq` is where to go on with `since`."""

    event: str
    seq: str = ""
    at: str = ""
    id: str = ""
    kind: str = ""
    queue: str = ""
    state: str = ""
    attempt: int = 0
    worker: str = ""
    percent: float | None = None
    text: str = ""


class Watched(TypedDict, total=False):
    """Which events: all that is given must hold."""

    since: str | None
    ids: Sequence[str] | None
    queues: Sequence[str] | None
    kinds: Sequence[str] | None
    events: Sequence[str] | None


class Stream(ABC, Generic[T]):
    """One thing that is told bit by bit. A session has one stream per `key`."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.is_asked = False  # a request for it is under way
        self.put: Callable[[T | HallError | End], None]
        self.unread: Callable[[], int] = lambda: 0  # how many of those that were put nobody has taken yet

    @abstractmethod
    def command(self) -> dict[str, Any]:
        """Ask for it from where it stopped."""

    @abstractmethod
    def heard(self, raw: bytes) -> None:
        """A reply or a push."""

    def goodbye(self) -> dict[str, Any] | None:
        """What to say when nobody listens any more."""
        return None

    def end(self, error: HallError) -> None:
        """Nothing will be heard any more, and this is why."""
        self.is_asked = False
        self.put(error)

    # It is the Waiter of its own requests.

    def done(self) -> bool:
        return not self.is_asked

    def set_result(self, raw: bytes) -> None:
        self.is_asked = False
        self.heard(raw)

    def set_exception(self, error: HallError) -> None:
        self.end(error)

    @staticmethod
    def read(_line: Line, raw: bytes) -> bytes:
        return raw


class _Beginning(Struct):
    """The reply to `watch`; an event has no `ok`."""

    ok: bool = False
    seq: str = ""
    gap: bool = False


class EventStream(Stream[Event]):
    """`watch`: a session has one, a new one ends the one before."""

    KEY = "event"

    def __init__(self, watched: Watched) -> None:
        super().__init__(self.KEY)
        self._watched = watched
        self._since = watched.get("since")
        self._spills = False

    def command(self) -> dict[str, Any]:
        given = {name: value for name, value in self._watched.items() if value is not None}
        return {"cmd": "watch", **given} | ({"since": self._since} if self._since else {})

    def heard(self, raw: bytes) -> None:
        beginning = msgspec.json.decode(raw, type=_Beginning)
        if not beginning.ok:
            event = msgspec.json.decode(raw, type=Event)
            self._since = event.seq or self._since
            self._keep(event)
            return
        if beginning.gap:
            self.put(Event(event="gap", seq=beginning.seq))
        if self._since is None or beginning.gap:
            self._since = beginning.seq

    def _keep(self, event: Event) -> None:
        """A reader who does not come after loses events, and hears so, rather than fill the memory."""
        is_full = self.unread() >= MOST_UNREAD
        if not is_full:
            self.put(event)
        elif not self._spills:
            self.put(Event(event="gap", seq=event.seq))
        self._spills = is_full

    def goodbye(self) -> dict[str, Any]:
        return {"cmd": "watch", "off": True}


class LogStream(Stream[LogPart]):
    """One attempt's log as it grows, until the attempt has ended."""

    def __init__(self, id: str, attempt: int | None = None, offset: int = 0) -> None:  # noqa: A002
        super().__init__(f"log {id}")
        self._id, self._attempt, self._offset = id, attempt, offset

    def command(self) -> dict[str, Any]:
        place = {"id": self._id, "attempt": self._attempt, "offset": self._offset}
        return {"cmd": "log_of", "follow": True, **place}

    def heard(self, raw: bytes) -> None:
        part = read_log(raw)
        if part.attempt != (self._attempt or part.attempt):
            return  # of an attempt that is followed no more
        self._attempt, self._offset = part.attempt, part.next
        self.put(part)
        if part.ended:
            self.put(END)


class TaskStream(Stream[TaskView]):
    """How far a command for many jobs has come, until it is done or stopped."""

    def __init__(self, id: str) -> None:  # noqa: A002
        super().__init__(f"task {id}")
        self._id = id

    def command(self) -> dict[str, Any]:
        return {"cmd": "task", "id": self._id}

    def heard(self, raw: bytes) -> None:
        task = msgspec.json.decode(raw, type=TaskReply).task
        self.put(task)
        if task.state != "running":
            self.put(END)
