"""What `/metrics` answers: a row a metric, made into Prometheus' text.

Nothing is counted here. Names are as Prometheus wants them: base units, `_total` for what only grows, and labels that
cannot become many: the first queues by name, the others together as `other`.
"""

from __future__ import annotations

import asyncio
import platform
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from itertools import accumulate
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from hirehall import __version__
from hirehall.core.workers import DRAINING, PAUSED, STOPPING, WORKING, slots
from hirehall.model import State
from hirehall.ports import Count, Counts, Footprint, OldestReady, Sizes
from hirehall.service import scope
from hirehall.service.figures import BOUNDS, OTHER, Histogram, QueueFigures
from hirehall.service.sessions import Identity

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
MOST_NAMED = 100  # queues with their name in the labels
GONE = "gone"
ENDS = (*map(str, BOUNDS), "+Inf")  # of the buckets
Labelled = Iterable[tuple[tuple[str, ...], Any]]  # values of the labels, and a number, a Histogram or (times, seconds)


class Seen(Struct):
    """The hall at one moment. `names` are the queues that are called by their name."""

    hall: Hall
    counts: list[Count]
    oldest_ms: dict[str, int]
    sizes: Sizes
    names: frozenset[str]

    def name(self, queue: str) -> str:
        """What this queue is called."""
        return queue if queue in self.names else OTHER

    def queues(self) -> Iterable[tuple[str, QueueFigures]]:
        """All queues with figures of their own, called by their names."""
        return ((self.name(queue), figures) for queue, figures in self.hall.metrics.figures.queues.items())


class Metric(NamedTuple):
    """A row. `sort` is gauge, counter, histogram or summary, as Prometheus means them."""

    name: str
    sort: str
    labels: tuple[str, ...]
    help: str
    samples: Callable[[Seen], Labelled]

    @property
    def full_name(self) -> str:
        """With the ending of its sort."""
        return f"{self.name}_total" if self.sort == "counter" else self.name


def _jobs(seen: Seen) -> Labelled:
    sums: Counter[tuple[str, ...]] = Counter()
    for one in seen.counts:
        sums[seen.name(one.queue), one.state.word] += one.jobs
    for queue in sorted({queue for queue, _ in sums}):
        yield from (((queue, state.word), sums[queue, state.word]) for state in State)


def _unserved(seen: Seen) -> Labelled:
    sums: Counter[tuple[str, ...]] = Counter()
    for lane in seen.hall.core.hallway.lanes.values():
        if lane.waiting > 0:
            sums[(seen.name(lane.key.queue),)] += lane.waiting if lane.is_unserved else 0
    return sums.items()


def _oldest(seen: Seen) -> Labelled:
    now = seen.hall.clock().wall_ms
    ages: defaultdict[tuple[str, ...], float] = defaultdict(float)
    for queue in {one.queue for one in seen.counts}:
        name = (seen.name(queue),)
        ages[name] = max(ages[name], (now - seen.oldest_ms.get(queue, now)) / 1000)
    return ages.items()


def _counted(counter: str) -> Callable[[Seen], Labelled]:
    def samples(seen: Seen) -> Labelled:
        sums: Counter[tuple[str, ...]] = Counter()
        for queue, figures in seen.queues():
            sums[(queue,)] += figures.counts[counter]
        return sums.items()

    return samples


def _waits(seen: Seen) -> Labelled:
    return _joined(((queue,), figures.waits) for queue, figures in seen.queues())


def _run_times(seen: Seen) -> Labelled:
    times = seen.hall.metrics.figures.run_times
    return _joined(((seen.name(queue), kind), times) for (queue, kind), times in times.items())


def _joined(found: Iterable[tuple[tuple[str, ...], Histogram]]) -> Labelled:
    sums: defaultdict[tuple[str, ...], Histogram] = defaultdict(Histogram)
    for labels, histogram in found:
        sums[labels].join(histogram)
    return sums.items()


def _workers(seen: Seen) -> Labelled:
    workers = seen.hall.core.leases.workers.values()
    modes = Counter(worker.mode if worker.session is not None else GONE for worker in workers)
    return [((mode,), modes[mode]) for mode in (WORKING, PAUSED, DRAINING, STOPPING, GONE)]


def _slots(seen: Seen) -> Labelled:
    used, free = slots(seen.hall.core.leases.workers.values())
    return [(("used",), used), (("free",), free)]


def _build(seen: Seen) -> Labelled:
    yield (__version__, platform.python_version()), 1


def _one(number: Callable[[Seen], Any]) -> Callable[[Seen], Labelled]:
    """A metric without labels."""
    return lambda seen: [((), number(seen))]


def _hall(counter: str) -> Callable[[Seen], Labelled]:
    return _one(lambda seen: seen.hall.metrics.counts[counter])


def _by_door(counted: Counter[str]) -> Labelled:
    return [((door,), number) for door, number in sorted(counted.items())]


QUEUE = ("queue",)
DOOR = ("door",)
COUNTED = (
    ("submitted", "Jobs that were submitted and not there before."),
    ("delivered", "Attempts that were handed to a worker."),
    ("succeeded", "Jobs that succeeded."),
    ("failed", "Jobs that failed for good."),
    ("retried", "Attempts that failed or timed out and will be tried again."),
    ("lost", "Attempts whose worker left or stopped beating."),
    ("released", "Attempts that their worker gave back."),
    ("cancelled", "Jobs that were cancelled."),
    ("expired", "Jobs that did not start in time."),
    ("removed", "Ended jobs that were removed, by a person or by their age."),
)
METRICS = (
    Metric("hirehall_jobs", "gauge", ("queue", "state"), "Jobs in the store.", _jobs),
    Metric("hirehall_oldest_waiting_seconds", "gauge", QUEUE, "Since the submit of the oldest ready job.", _oldest),
    Metric("hirehall_unserved_jobs", "gauge", QUEUE, "Ready jobs that no worker here may take.", _unserved),
    *(Metric(f"hirehall_jobs_{name}", "counter", QUEUE, text, _counted(name)) for name, text in COUNTED),
    Metric("hirehall_duplicates", "counter", (), "Jobs that were there already, by their key.", _hall("duplicates")),
    Metric("hirehall_wait_seconds", "histogram", QUEUE, "From submit to first hand-out, a delay included.", _waits),
    Metric("hirehall_run_seconds", "histogram", ("queue", "kind"), "From hand-out to answer or timeout.", _run_times),
    Metric("hirehall_workers", "gauge", ("state",), "Workers; gone: it may come back to what it holds.", _workers),
    Metric("hirehall_slots", "gauge", ("state",), "Places for jobs at workers.", _slots),
    Metric("hirehall_leases", "gauge", (), "Attempts in hand.", _one(lambda seen: len(seen.hall.core.leases.open))),
    Metric("hirehall_connections", "gauge", DOOR, "Connections that are open.",
           lambda seen: _by_door(seen.hall.metrics.inside)),
    Metric("hirehall_connections_opened", "counter", DOOR, "Connections that were taken.",
           lambda seen: _by_door(seen.hall.metrics.taken)),
    Metric("hirehall_connections_refused", "counter", DOOR, "Connections for which was no room.",
           lambda seen: _by_door(seen.hall.metrics.refused)),
    Metric("hirehall_sessions", "gauge", (), "Who speaks to the hall now: connections by lines, requests by HTTP.",
           _one(lambda seen: len(seen.hall.sessions))),
    Metric("hirehall_streams_cut_off", "counter", (), "Streams over HTTP whose reader took nothing for half a minute.",
           _hall("cut_off")),
    Metric("hirehall_commit_seconds", "histogram", (), "From the sealing of a batch until it is durable.",
           _one(lambda seen: seen.hall.metrics.figures.commits)),
    Metric("hirehall_sync_seconds", "summary", (), "What a batch waits for the disk.",
           _one(lambda seen: seen.hall.store.syncs)),
    Metric("hirehall_database_bytes", "gauge", (), "The database file.", _one(lambda seen: seen.sizes.database)),
    Metric("hirehall_log_bytes", "gauge", (), "The write-ahead log beside it.", _one(lambda seen: seen.sizes.log)),
    Metric("hirehall_ballast_bytes", "gauge", (), "Room kept for a full disk.", _one(lambda seen: seen.sizes.ballast)),
    Metric("hirehall_disk_free_bytes", "gauge", (), "Free on the disk of the data.",
           _one(lambda seen: seen.sizes.free)),
    Metric("hirehall_storage_full", "gauge", (), "1: new jobs are refused for want of space.",
           _one(lambda seen: int(seen.hall.store.is_full))),
    Metric("hirehall_storage_damaged", "gauge", (), "1: the disk gave back other bytes than were written.",
           _one(lambda seen: int(seen.hall.store.is_damaged))),
    Metric("hirehall_build_info", "gauge", ("version", "python"), "Which program this is.", _build),
)  # fmt: skip
PROCESS = tuple(
    Metric(f"process_{name}", sort, (), text, lambda _seen: ())
    for name, sort, text in (
        ("cpu_seconds", "counter", "CPU time of this process, user and system."),
        ("resident_memory_bytes", "gauge", "Memory of this process."),
        ("open_fds", "gauge", "Files and connections that this process has open."),
        ("start_time_seconds", "gauge", "When this process started, since 1970."),
    )
)


async def scrape(hall: Hall, identity: Identity) -> bytes:
    """The text, one metric a turn of the loop. Raises Forbidden when the token is limited or may not read,
    StoreBroken."""
    scope.check_reader(identity)
    seen = await _look(hall)
    parts = [await asyncio.to_thread(_process)]
    for metric in METRICS:
        parts.append(_text(metric, metric.samples(seen)))
        await asyncio.sleep(0)
    return "".join(parts).encode()


async def _look(hall: Hall) -> Seen:
    counts = await hall.store.read(Counts())
    oldest = await hall.store.read(OldestReady())
    sizes = await hall.store.read(Footprint())
    names = dict.fromkeys([*hall.metrics.figures.queues, *(one.queue for one in counts)])
    return Seen(hall, counts, oldest, sizes, frozenset(list(names)[:MOST_NAMED]))


def _text(metric: Metric, samples: Labelled) -> str:
    lines = [f"# HELP {metric.full_name} {metric.help}\n# TYPE {metric.full_name} {metric.sort}\n"]
    lines += [_sample(metric, ",".join(map(_label, metric.labels, labels)), value) for labels, value in samples]
    return "".join(lines)


def _sample(metric: Metric, labels: str, value: Any) -> str:
    braced = f"{{{labels}}}" if labels else ""
    if isinstance(value, Histogram):
        begin = f"{metric.name}_bucket{{{labels}{',' if labels else ''}le="
        buckets = [f'{begin}"{end}"}} {times}\n' for end, times in zip(ENDS, accumulate(value.counts), strict=True)]
        end = f"{metric.name}_sum{braced} {value.seconds}\n{metric.name}_count{braced} {value.times}\n"
        return "".join([*buckets, end])
    if isinstance(value, tuple):
        return f"{metric.name}_count{braced} {value[0]}\n{metric.name}_sum{braced} {value[1]}\n"
    return f"{metric.full_name}{braced} {value}\n"


def _label(name: str, value: str) -> str:
    """A kind may be any printable text."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{name}="{escaped}"'


def _process() -> str:
    """CPU, memory and open files of this process, by the names that everybody gives them."""
    import psutil  # noqa: PLC0415 - for halls that are scraped

    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        values = (times.user + times.system, process.memory_info().rss, process.num_fds(), process.create_time())
    return "".join(_text(metric, [((), value)]) for metric, value in zip(PROCESS, values, strict=True))
