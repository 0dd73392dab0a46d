"""What happened, for those who watch: a ring in memory, and a cursor into it per watcher.

Side data: nothing here is stored. A `since` that is older than the ring, or from another run of the hall, is a gap.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import UNSET, Struct

from hirehall.core import lifecycle
from hirehall.core.operations import APPLIED, Batch, Claimed, Moved, Submit
from hirehall.model import State, id_text
from hirehall.service.answers import rfc3339
from hirehall.service.sessions import Session
from hirehall.wire.codec import encode
from hirehall.wire.replies import EventPush

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

KEPT_EVENTS = 100_000
SLACK_EVENTS = 20_000  # the ring is trimmed by so many at once
FEED_EVENTS = 2_000  # for one watcher in one turn
SHUTDOWN = "shutdown"  # concerns everybody, whatever they watch
EVENT_NAMES = frozenset(
    {*(step.name for step in lifecycle.STEPS), "submit", "progress", "queue", "join", "leave", "gap", SHUTDOWN}
)


class Event(NamedTuple):
    """One thing that happened, `at_ms` in epoch milliseconds. `more` are further fields of its push."""

    at_ms: int
    name: str
    id: int
    kind: str
    queue: str
    attempt: int
    state: State | None
    more: dict[str, Any] | None = None


class Interest(Struct, frozen=True):
    """What a watcher wants to hear; None means all. `limits` are the queues that its token may see."""

    ids: frozenset[int] | None = None
    queues: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    names: frozenset[str] | None = None
    limits: frozenset[str] | None = None

    def wants(self, event: Event) -> bool:
        """Whether this event is for them."""
        return (self.names is None or event.name in self.names) and (event.name == SHUTDOWN or self._covers(event))

    def _covers(self, event: Event) -> bool:
        return (
            (self.ids is None or event.id in self.ids)
            and (self.queues is None or event.queue in self.queues)
            and (self.kinds is None or event.kind in self.kinds)
            and (self.limits is None or event.queue in self.limits)
        )


ALL = Interest()


class Watcher:
    """One session that watches, and the number of the next event for it."""

    def __init__(self, session: Session, interest: Interest, cursor: int) -> None:
        self.session = session
        self.interest = interest
        self.cursor = cursor


class Events:
    """The ring and its watchers."""

    def __init__(self, hall: Hall, run: str) -> None:
        self._hall = hall
        self._run = run
        self._ring: list[Event] = []
        self._first = 0  # number of the ring's first event
        self._watchers: dict[int, Watcher] = {}

    @property
    def next(self) -> int:
        """The number of the event to come."""
        return self._first + len(self._ring)

    # What happens.

    def add(self, event: Event) -> None:
        """Something happened."""
        self._ring.append(event)
        if len(self._ring) > KEPT_EVENTS + SLACK_EVENTS:
            del self._ring[:SLACK_EVENTS]
            self._first += SLACK_EVENTS

    def told(self, name: str, **more: Any) -> None:
        """Something that is not about a job. No commit follows it, so it is told by itself."""
        queue = more.pop("queue", "")
        self.add(Event(self._hall.core.now.wall_ms, name, -1, "", queue, 0, None, more))
        self._tell_soon()

    def progressed(self, job: Claimed, percent: float | None, text: str) -> None:
        """A running attempt said how far it is. No commit follows it either."""
        more = {"percent": percent, "text": text}
        now = self._hall.core.now.wall_ms
        self.add(Event(now, "progress", job.id, job.kind, job.queue, job.attempt, State.RUNNING, more))
        self._tell_soon()

    def _tell_soon(self) -> None:
        if self._watchers:
            self._hall.feed_soon()

    def settled(self, batch: Batch) -> None:
        """Everything that a durable batch did, in the order in which it did it."""
        at, add = batch.now.wall_ms, self.add
        for change in batch.queues:
            self.told("queue", queue=change.name, state=change.settings.state)
        for submit in batch.submits:
            self._submitted(submit, at)
        for done in batch.changes:
            if done.answer == APPLIED:
                attempt = done.row_attempt or done.attempt or 0
                add(Event(at, done.step.name, done.id, done.kind, done.queue, attempt, done.target))
        for moved in batch.moved:
            add(Event(at, step_of(moved), moved.id, moved.kind, moved.queue, moved.attempt, moved.state))
        for claim in batch.claims:
            for row in claim.rows:
                add(Event(at, "deliver", row.id, row.kind, row.queue, row.attempt, State.RUNNING))

    def _submitted(self, submit: Submit, at: int) -> None:
        for job, answer in zip(submit.jobs, submit.ids, strict=False):
            if job.id == answer:
                spec = job.spec
                self.add(Event(at, "submit", job.id, spec.kind, spec.queue, 0, job.state))
                if job.state is State.RUNNING:
                    self.add(Event(at, "deliver", job.id, spec.kind, spec.queue, job.attempt, State.RUNNING))

    # Who watches.

    def watch(self, session: Session, interest: Interest, since: str | None) -> bool:
        """Let `session` hear what it is interested in, from `since` on. False: events since then are missing."""
        cursor = self.next if since is None else self._position(since)
        self._watchers[session.number] = Watcher(session, interest, self.next if cursor is None else cursor)
        return cursor is not None

    def cursor_of(self, session: Session) -> str:
        """The `since` with which this watcher could go on."""
        watcher = self._watchers.get(session.number)
        return self.text(self.next if watcher is None else watcher.cursor)

    def text(self, number: int) -> str:
        """A place in the stream of events, as the wire says it."""
        return f"{self._run}-{number}"

    def _position(self, since: str) -> int | None:
        run, _, number = since.rpartition("-")
        if run != self._run or not number.isascii() or not number.isdigit():
            return None
        position = int(number)
        return position if self._first <= position <= self.next else None

    def forget(self, session: Session) -> None:
        """It hears nothing more."""
        self._watchers.pop(session.number, None)

    def feed(self) -> bool:
        """Put to every watcher that reads what is new for it. Answers whether some have not got all."""
        cache: dict[tuple[int, Interest], list[bytes]] = {}
        behind = False
        for watcher in self._watchers.values():
            if watcher.cursor < self.next and not watcher.session.clogged:
                self._feed(watcher, cache)
                behind = behind or watcher.cursor < self.next
        return behind

    def _feed(self, watcher: Watcher, cache: dict[tuple[int, Interest], list[bytes]]) -> None:
        if watcher.cursor < self._first:
            gap = EventPush(event="gap", seq=self.text(self._first), at=rfc3339(self._hall.core.now.wall_ms) or "")
            watcher.session.put(gap)
            watcher.cursor = self._first
        key = (watcher.cursor, watcher.interest)
        lines = cache.get(key)
        if lines is None:
            lines = cache[key] = list(self._lines(watcher))
        watcher.cursor = min(self.next, watcher.cursor + FEED_EVENTS)
        watcher.session.put_lines(lines)
        watcher.session.flush()

    def _lines(self, watcher: Watcher) -> Iterable[bytes]:
        begin = watcher.cursor - self._first
        wants, take_all = watcher.interest.wants, watcher.interest == ALL
        for number, event in enumerate(self._ring[begin : begin + FEED_EVENTS], watcher.cursor + 1):
            if take_all or wants(event):
                yield encode(self._push(number, event))

    def _push(self, number: int, event: Event) -> EventPush:
        push = EventPush(event=event.name, seq=self.text(number), at=rfc3339(event.at_ms) or "")
        if event.id >= 0:
            push.id, push.kind, push.attempt = id_text(event.id), event.kind, event.attempt
            push.state = event.state.word if event.state is not None else UNSET
        if event.queue:
            push.queue = event.queue
        for name, value in (event.more or {}).items():
            setattr(push, name, value)
        return push


def step_of(moved: Moved) -> str:
    """The step by which the sweep or a gate moved a job."""
    if moved.state is None:
        return lifecycle.REMOVE.name
    if moved.was is State.BLOCKED and moved.state is State.READY:
        return lifecycle.UNBLOCK.name
    names = {State.EXPIRED: lifecycle.EXPIRE.name, State.CANCELLED: lifecycle.CANCEL.name}
    return names.get(moved.state, lifecycle.DUE.name)
