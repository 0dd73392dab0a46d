"""The command `overview`: the hall at a glance, in one answer, from numbers that are there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from hirehall.core import explain
from hirehall.core.lanes import Lane
from hirehall.core.workers import Worker, slots
from hirehall.errors import BadRequest
from hirehall.model import DEFAULT_SETTINGS
from hirehall.ports import Count, Counts, Footprint, OldestOf, OldestReady, Sizes
from hirehall.service import health, scope
from hirehall.service.answers import AfterRead, rfc3339
from hirehall.service.figures import Histogram, QueueFigures
from hirehall.service.hall_commands import visible_workers
from hirehall.service.sessions import Session
from hirehall.wire import glance, requests

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

MOST_QUEUES = 500  # in one answer
MOST_UNSERVED = 100
MOST_LANES = 500  # of those, whose oldest job is looked up
MOST_EXPLAINED = 10  # why nobody takes them; the work grows with the workers
SPANS = (1, 60)  # seconds
MEAN_SECONDS = 10


def overview(hall: Hall, session: Session, message: requests.Overview) -> AfterRead:
    """Everything at a glance."""
    if message.span_seconds not in SPANS:
        raise BadRequest(f"span_seconds is {message.span_seconds}: give 1 or 60")
    if not 0 <= message.limit <= MOST_QUEUES:
        raise BadRequest(f"limit is {message.limit}: give 0 to {MOST_QUEUES}")
    unserved = _nobody_takes(hall, session)
    lanes = tuple(islice((lane.number for one in unserved for lane in one.lanes), MOST_LANES))

    def make(counts: list[Count], oldest: dict[str, int], waits: dict[int, int], sizes: Sizes) -> glance.OverviewReply:
        look = _Look(hall, session, message, counts, oldest)
        still = [look.unserved(one, waits) for one in unserved if one.jobs]
        return glance.OverviewReply(overview=look.seen(sizes, still))

    return AfterRead((Counts(queues=session.identity.queues), OldestReady(), OldestOf(lanes), Footprint()), make)


class Waiting(NamedTuple):
    """Ready jobs that nobody here may take, and why."""

    lanes: list[Lane]
    why: list[str]

    @property
    def jobs(self) -> int:
        return sum(lane.waiting for lane in self.lanes)


def _nobody_takes(hall: Hall, session: Session) -> list[Waiting]:
    """By queue, kind and what they require, the most first."""
    limits = session.identity.queues
    alike: dict[tuple[str, str, str], Waiting] = {}
    for lane in hall.core.hallway.lanes.values():
        if lane.is_unserved and (limits is None or lane.key.queue in limits):
            alike.setdefault(lane.key[:3], Waiting([], [])).lanes.append(lane)
    found = sorted(alike.values(), key=lambda one: -one.jobs)[:MOST_UNSERVED]
    explained = found[:MOST_EXPLAINED]
    reasons = explain.unserved([one.lanes[0].key for one in explained], hall.core.leases, limits)
    for one, why in zip(explained, reasons, strict=True):
        one.why.extend(why)
    return found


class _Look:
    """One look of one session."""

    def __init__(
        self, hall: Hall, session: Session, asked: requests.Overview, counts: list[Count], oldest_ms: dict[str, int]
    ) -> None:
        self._hall, self._session, self._asked = hall, session, asked
        self._now, self._second = hall.core.now, int(hall.core.now.mono)
        self._workers = visible_workers(hall, session)
        self._served = Counter(queue for worker in self._workers for queue in _served(worker))
        self._jobs = _by_queue(counts)
        known = {*self._jobs, *self._served, *hall.metrics.figures.queues, *hall.core.hallway.set_lines}
        self._names = scope.visible(session, frozenset(known))
        self._oldest_ms = {queue: at for queue, at in oldest_ms.items() if queue in self._names}

    def seen(self, sizes: Sizes, unserved: list[glance.Unserved]) -> glance.Glance:
        """All of it."""
        unserved_in = self._unserved_in()
        figures = [found for name, found in self._hall.metrics.figures.queues.items() if name in self._names]
        reasons = health.why_not(self._hall)
        shown = sorted(self._names, key=self._rank)[: self._asked.limit]
        return glance.Glance(
            up_since=rfc3339(self._hall.metrics.up_since_ms) or "",
            ready=not reasons,
            why=reasons,
            jobs=dict(sum(self._jobs.values(), Counter())),
            oldest_waiting_seconds=self._age(min(self._oldest_ms.values(), default=None)),
            flow=self._flow(figures),
            run_time=self._run_time(figures),
            workers=_crews(self._workers),
            unserved=unserved,
            queues=[self._queue(name, unserved_in[name]) for name in shown],
            queues_left_out=len(self._names) - len(shown),
            storage=self._storage(sizes) if self._session.identity.queues is None else None,
        )

    def _queue(self, name: str, unserved: int) -> glance.QueueGlance:
        known = self._hall.metrics.figures.queues.get(name)
        figures = [] if known is None else [known]
        line = self._hall.core.hallway.lines.get(name)
        return glance.QueueGlance(
            queue=name,
            state=(DEFAULT_SETTINGS if line is None else line.wanted).state,
            jobs=dict(self._jobs.get(name, {})),
            workers=self._served[name],
            unserved=unserved,
            oldest_waiting_seconds=self._age(self._oldest_ms.get(name)),
            flow=self._flow(figures),
            run_time=self._run_time(figures),
        )

    def _rank(self, name: str) -> tuple[int, int, str]:
        jobs = self._jobs.get(name, Counter())
        return -jobs["ready"], -jobs["running"], name

    def _age(self, at_ms: int | None) -> float | None:
        return None if at_ms is None else max(self._now.wall_ms - at_ms, 0) / 1000

    def _flow(self, figures: Iterable[QueueFigures]) -> glance.Flow:
        seconds = _sums(found.seconds(self._second) for found in figures)
        shown = seconds
        if self._asked.span_seconds != 1:
            shown = _sums(found.minutes(self._second) for found in figures)
        into, out = (round(sum(side[-MEAN_SECONDS - 1 : -1]) / MEAN_SECONDS, 1) for side in seconds)
        return glance.Flow(
            in_per_second=into,
            out_per_second=out,
            span_seconds=self._asked.span_seconds,
            into=shown[0],
            out=shown[1],
        )

    def _run_time(self, figures: Iterable[QueueFigures]) -> glance.RunTime:
        recent = Histogram()
        for found in figures:
            recent.join(found.recent(self._second))
        return glance.RunTime(recent.quantile(0.5), recent.quantile(0.95))

    def unserved(self, waiting: Waiting, oldest_ms: dict[int, int]) -> glance.Unserved:
        """Some of what nobody takes."""
        key = waiting.lanes[0].key
        known = [oldest_ms[lane.number] for lane in waiting.lanes if lane.number in oldest_ms]
        return glance.Unserved(
            queue=key.queue,
            kind=key.kind,
            requires=msgspec.json.decode(key.requires),
            jobs=waiting.jobs,
            oldest_waiting_seconds=self._age(min(known, default=None)),
            why=waiting.why,
        )

    def _unserved_in(self) -> Counter[str]:
        found: Counter[str] = Counter()
        for lane in self._hall.core.hallway.lanes.values():
            if lane.key.queue in self._names and lane.is_unserved:
                found[lane.key.queue] += lane.waiting
        return found

    def _storage(self, sizes: Sizes) -> glance.Storage:
        return glance.Storage(
            full=self._hall.store.is_full,
            damaged=self._hall.store.is_damaged,
            database_bytes=sizes.database,
            log_bytes=sizes.log,
            ballast_bytes=sizes.ballast,
            free_bytes=sizes.free,
        )


def _by_queue(counts: list[Count]) -> dict[str, Counter[str]]:
    jobs: dict[str, Counter[str]] = {}
    for count in counts:
        jobs.setdefault(count.queue, Counter())[count.state.word] += count.jobs
    return jobs


def _served(worker: Worker) -> frozenset[str]:
    return worker.crew.queues if worker.crew is not None and worker.session is not None else frozenset()


def _crews(workers: list[Worker]) -> glance.Crews:
    connected = sum(worker.session is not None for worker in workers)
    used, free = slots(workers)
    return glance.Crews(connected=connected, gone=len(workers) - connected, slots_used=used, slots_free=free)


def _sums(pairs: Iterable[tuple[list[int], list[int]]]) -> tuple[list[int], list[int]]:
    """In and out of all together, span by span."""
    busy = [pair for pair in pairs if any(pair[0]) or any(pair[1])]
    if len(busy) < 2:
        return busy[0] if busy else ([0] * 60, [0] * 60)
    into, out = zip(*busy, strict=True)
    return list(map(sum, zip(*into, strict=True))), list(map(sum, zip(*out, strict=True)))
