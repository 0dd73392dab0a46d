"""What happened, for those who watch: a ring in memory, and a cursor into it per watcher.

Side data: nothing here is stored. A `since` that is older than the ring, or from another run of the hall, is a gap.
"""

from __future__ import annotations

import asyncio
from array import array
from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Set
from itertools import groupby
from operator import attrgetter
from sys import getsizeof
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from hirehall.core import lifecycle
from hirehall.core.operations import APPLIED, Batch, Claimed
from hirehall.model import State
from hirehall.service.answers import rfc3339
from hirehall.service.news import News, Part
from hirehall.service.sessions import Session
from hirehall.wire.replies import EventPush

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

KEPT_EVENTS = 100_000
SLACK_EVENTS = 20_000  # older ones are thrown out so many at once
MOST_TEXT = 16 << 20  # bytes of memory for texts; with more the older half of all events is thrown out
NOTHING: Mapping[str, Any] = {}
_ATTEMPT_AND_HOLDER = attrgetter("attempt", "holder")
_LANE_STATE_WORKER = attrgetter("lane", "state", "worker")
_SORT_OF_MOVE = attrgetter("was", "state", "kind", "queue", "attempt")
_SORT_OF_CHANGE = attrgetter("step", "kind", "queue", "row_attempt", "attempt", "target")
FEED_EVENTS = 2_000  # for one watcher in one turn
MANY_EVENTS = 10_000  # to be looked through in one turn
LONGEST_NUMBER = 18  # digits; Python refuses to read very long ones
SHUTDOWN = "shutdown"  # concerns everybody, whatever they watch
EVENT_NAMES = frozenset(
    {*(step.name for step in lifecycle.STEPS), "submit", "progress", "queue", "join", "leave", "gap", SHUTDOWN}
)


class Run:
    """Events that differ in their job only: a busy hall has many of them, and each takes eight bytes here. Number
    `first` of all events is its first one; `at_ms` is epoch milliseconds; `more` are further fields of the push."""

    __slots__ = ("at_ms", "attempt", "first", "ids", "kind", "more", "name", "queue", "state")

    def __init__(
        self, at_ms: int, name: str, kind: str = "", queue: str = "", attempt: int = 0, state: State | None = None
    ) -> None:
        self.first = 0
        self.at_ms = at_ms
        self.name, self.kind, self.queue, self.attempt, self.state = name, kind, queue, attempt, state
        self.ids = array("q")
        self.more: Mapping[str, Any] = NOTHING

    @property
    def text_bytes(self) -> int:
        """The memory that its texts take: up to four bytes a character."""
        size = 0
        for value in self.more.values():
            if isinstance(value, str):
                size += getsizeof(value)
        return size


class Interest(Struct, frozen=True):
    """What a watcher wants to hear; None means all. `limits` are the queues that its token may see."""

    ids: frozenset[int] | None = None
    queues: frozenset[str] | None = None
    kinds: frozenset[str] | None = None
    names: frozenset[str] | None = None
    limits: frozenset[str] | None = None

    def wants(self, run: Run) -> bool:
        """Whether events of this run may be for them."""
        return (self.names is None or run.name in self.names) and (run.name == SHUTDOWN or self._covers(run))

    def _covers(self, run: Run) -> bool:
        return (
            (self.queues is None or run.queue in self.queues)
            and (self.kinds is None or run.kind in self.kinds)
            and (self.limits is None or run.queue in self.limits)
        )


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
        self._runs: list[Run] = []
        self._next = 0
        self._text = 0  # bytes of memory that the texts of the ring take
        self._watchers: dict[int, Watcher] = {}
        self._named: Counter[int] = Counter()  # jobs, by how many watchers want to hear of them
        self._named_in: dict[int, Set[int]] = {}  # those of them that a run speaks of, by its first number
        self._named_since: dict[int, Set[int]] = {}  # and all runs since a number
        self._will_feed = False

    @property
    def next(self) -> int:
        """The number of the event to come."""
        return self._next

    @property
    def first(self) -> int:
        """The number of the oldest event that is still there."""
        return self._runs[0].first if self._runs else self._next

    # What happens.

    def add(self, run: Run) -> None:
        """Something happened to the jobs of `run`."""
        run.first = self._next
        self._next += len(run.ids)
        if run.more:
            self._text += run.text_bytes
        self._runs.append(run)

    def told(self, name: str, *, queue: str = "", **more: Any) -> None:
        """Something that is not about a job. No commit follows it, so it is told by itself."""
        run = Run(self._hall.core.now.wall_ms, name, queue=queue)
        run.ids.append(-1)
        run.more = more
        self.add(run)
        self._tell_soon()

    def progressed(self, job: Claimed, percent: float | None, text: str) -> None:
        """A running attempt said how far it is. No commit follows it either."""
        run = Run(self._hall.core.now.wall_ms, "progress", job.kind, job.queue, job.attempt, State.RUNNING)
        run.ids.append(job.id)
        run.more = {"percent": percent, "text": text}
        self.add(run)
        self._tell_soon()

    def _tell_soon(self) -> None:
        self._forget_old()
        if self._watchers:
            self.feed_soon()

    def settled(self, batch: Batch) -> Collection[Run]:
        """Everything that a durable batch did to jobs; of one job in the order in which it did it."""
        for change in batch.queues:
            self.told("queue", queue=change.name, state=change.settings.state)
        runs = [*self._submits(batch), *self._changes(batch), *self._moves(batch), *self._claims(batch)]
        for run in runs:
            self.add(run)
        self._forget_old()
        return runs

    def _forget_old(self) -> None:
        old = 0
        if self._next - self.first > KEPT_EVENTS + SLACK_EVENTS:
            old = self._at(self._next - KEPT_EVENTS)
        if self._text > MOST_TEXT:
            old = max(old, len(self._runs) // 2)
        if old:
            self._text -= sum(run.text_bytes for run in self._runs[:old])
            del self._runs[:old]

    def _submits(self, batch: Batch) -> Iterable[Run]:
        at = batch.now.wall_ms
        submitted: dict[tuple[int, State], Run] = {}
        delivered: dict[tuple[int, str | None], Run] = {}
        for submit in batch.submits:
            new = submit.jobs if submit.ids else []
            if submit.duplicates:
                new = [job for job, answer in zip(submit.jobs, submit.ids, strict=True) if job.id == answer]
            for (lane, state, worker), jobs in groupby(new, _LANE_STATE_WORKER):
                several = list(jobs)
                ids, spec = [job.id for job in several], several[0].spec
                kind, queue = spec.kind, spec.queue
                submitted.setdefault((lane, state), Run(at, "submit", kind, queue, 0, state)).ids.extend(ids)
                if state is State.RUNNING:
                    run = delivered.setdefault((lane, worker), Run(at, "deliver", kind, queue, 1, state))
                    run.more = {"worker": worker or ""}
                    run.ids.extend(ids)
        return (*submitted.values(), *delivered.values())

    def _changes(self, batch: Batch) -> Collection[Run]:
        runs: dict[tuple[str, str, str, int, State | None], Run] = {}
        applied = [change for change in batch.changes if change.answer == APPLIED]
        for (step, kind, queue, row_attempt, attempt, target), changes in groupby(applied, _SORT_OF_CHANGE):
            key = (step.name, kind, queue, row_attempt or attempt or 0, target)
            run = runs.get(key)
            if run is None:
                run = runs[key] = Run(batch.now.wall_ms, *key)
            for change in changes:
                run.ids.extend(range(change.id, change.id + change.jobs))
        self._hall.metrics.ran(applied, batch.now)
        return runs.values()

    def _moves(self, batch: Batch) -> Iterable[Run]:
        for (was, state, kind, queue, attempt), moved in groupby(batch.moved, _SORT_OF_MOVE):
            run = Run(batch.now.wall_ms, step_of(was, state), kind, queue, attempt, state)
            run.ids.extend([one.id for one in moved])
            yield run

    def _claims(self, batch: Batch) -> Iterable[Run]:
        for claim in batch.claims:
            runs: dict[tuple[int, str], Run] = {}
            names = {seat.holder: seat.worker for seat in claim.seats}
            for (attempt, holder), rows in groupby(claim.rows, _ATTEMPT_AND_HOLDER):
                several = list(rows)
                run = Run(batch.now.wall_ms, "deliver", several[0].kind, several[0].queue, attempt, State.RUNNING)
                run.more = {"worker": names[holder]}
                runs.setdefault((attempt, holder), run).ids.extend([row.id for row in several])
            yield from runs.values()

    # Who watches.

    def watch(self, session: Session, interest: Interest, since: str | None) -> bool:
        """Let `session` hear what it is interested in, from `since` on. False: events since then are missing."""
        cursor = self.next if since is None else self._position(since)
        self.forget(session)
        self._named.update(interest.ids or ())
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
        if run != self._run or not number.isascii() or not number.isdigit() or len(number) > LONGEST_NUMBER:
            return None
        position = int(number)
        return position if self.first <= position <= self._next else None

    def forget(self, session: Session) -> None:
        """It hears nothing more."""
        watcher = self._watchers.pop(session.number, None)
        for job in watcher.interest.ids or () if watcher is not None else ():
            self._named[job] -= 1
            if not self._named[job]:
                del self._named[job]

    def feed_soon(self) -> None:
        """Let watchers hear when the answer that is being made has been said."""
        if not self._will_feed:
            self._will_feed = True
            asyncio.get_running_loop().call_soon(self.feed)

    def feed(self) -> None:
        """Let watchers that read hear what is new; who is far behind in several turns, so that others are heard too."""
        self._will_feed = False
        self._named_in.clear()
        self._named_since.clear()
        made: dict[tuple[int, Interest], News] = {}
        behind = False
        for watcher in self._watchers.values():
            if watcher.cursor >= self._next or watcher.session.clogged:
                continue
            if watcher.interest.ids is not None and self._is_quiet(watcher.cursor, watcher.interest.ids):
                watcher.cursor = self._next
                continue
            self._feed(watcher, made)
            behind = behind or watcher.cursor < self._next
        if behind and self._hall.is_listening:
            self.feed_soon()

    def _feed(self, watcher: Watcher, made: dict[tuple[int, Interest], News]) -> None:
        session = watcher.session
        if watcher.cursor < self.first:
            at = rfc3339(self._hall.core.now.wall_ms) or ""
            session.put(EventPush(event="gap", seq=self.text(self.first), at=at))
            watcher.cursor = self.first
        key = (watcher.cursor, watcher.interest)
        end = min(self._next, watcher.cursor + FEED_EVENTS)
        news = made.get(key)
        if news is None:
            news = made[key] = News(self._run, list(self._parts(watcher.interest, watcher.cursor, end)))
        watcher.cursor = end
        if not news.is_empty:
            session.put_news(news)
        session.flush()

    def _at(self, number: int) -> int:
        """The place of the run that holds this event."""
        return bisect_right(self._runs, number, key=attrgetter("first")) - 1

    def _parts(self, interest: Interest, begin: int, end: int) -> Iterable[Part]:
        for place in range(self._at(begin), len(self._runs)):
            run = self._runs[place]
            if run.first >= end:
                return
            if interest.wants(run):
                first, last = max(begin - run.first, 0), min(end - run.first, len(run.ids))
                if (interest.ids is None or run.name == SHUTDOWN) and first < last:
                    yield Part(run, range(run.first + first + 1, run.first + last + 1), run.ids[first:last])
                elif at := [at for at in self._places(run, interest.ids or frozenset()) if first <= at < last]:
                    yield Part(run, [run.first + one + 1 for one in at], [run.ids[one] for one in at])

    def _is_quiet(self, cursor: int, ids: frozenset[int]) -> bool:
        """Whether it is known, as of most who have named a few jobs, that nothing since then is about these."""
        if cursor < self.first or self._next - cursor > MANY_EVENTS:
            return False
        named = self._named_since.get(cursor)
        if named is None:
            runs = self._runs[self._at(cursor) :]
            concerns_all = any(run.name == SHUTDOWN for run in runs)
            named = self._named.keys() if concerns_all else frozenset().union(*map(self._named_by, runs))
            self._named_since[cursor] = named
        return named.isdisjoint(ids)

    def _places(self, run: Run, ids: frozenset[int]) -> Iterable[int]:
        """Where `run` speaks of these jobs, which some watchers have named."""
        return () if self._named_by(run).isdisjoint(ids) else [at for at, job in enumerate(run.ids) if job in ids]

    def _named_by(self, run: Run) -> Set[int]:
        named = self._named_in.get(run.first)
        if named is None:
            named = self._named_in[run.first] = self._named.keys() & run.ids
        return named


def step_of(was: State, state: State | None) -> str:
    """The step by which the sweep or a gate moved a job."""
    if state is None:
        return lifecycle.DISCARD.name if was is State.DRAFT else lifecycle.REMOVE.name
    if was is State.BLOCKED and state is State.READY:
        return lifecycle.UNBLOCK.name
    names = {State.EXPIRED: lifecycle.EXPIRE.name, State.CANCELLED: lifecycle.CANCEL.name}
    return names.get(state, lifecycle.DUE.name)
