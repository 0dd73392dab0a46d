"""What is counted of a hall, its queues and kinds: totals, times in buckets, how many in each second and minute.

Counting is adding; whatever can be computed is computed by who reads.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from operator import sub

from hirehall.model import first_id, id_created_ms

# Upper ends of the buckets, seconds; one more has what takes longer.
BOUNDS = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 1800.0, 7200.0,
)  # fmt: skip
SPANS = 60  # seconds, and minutes, that are remembered
RECENT_SECONDS = 300  # what is late: this to twice as long ago
MOST_QUEUES = 1_000  # with figures of their own
MOST_KINDS = 100  # pairs of queue and kind with run times of their own
OTHER = "other"  # all the rest together


class Histogram:
    """How often something took how long."""

    __slots__ = ("counts", "seconds")

    def __init__(self) -> None:
        self.counts = [0] * (len(BOUNDS) + 1)
        self.seconds = 0.0  # all together

    def add(self, seconds: float, times: int = 1) -> None:
        """So many took `seconds`."""
        self.counts[bisect_left(BOUNDS, seconds)] += times
        self.seconds += seconds * times

    def add_ages(self, ids: Sequence[int], wall_ms: int) -> None:
        """How old these jobs, the oldest first, are at `wall_ms`. In a bucket they count with the mean of its first and
        last, so that many cost as much as a few."""
        oldest = age(ids[0], wall_ms)
        if len(ids) == 1:
            self.add(oldest)
            return
        bucket = bisect_left(BOUNDS, oldest)
        if bucket == bisect_left(BOUNDS, newest := age(ids[-1], wall_ms)):
            self.counts[bucket] += len(ids)
            self.seconds += (oldest + newest) / 2 * len(ids)
            return
        end = bisect_left(ids, first_id(wall_ms - round(BOUNDS[bucket - 1] * 1000), 0))
        if not 0 < end < len(ids):  # out of order: some were moved
            for job in ids:
                self.add(age(job, wall_ms))
            return
        self.add_ages(ids[:end], wall_ms)
        self.add_ages(ids[end:], wall_ms)

    def join(self, other: Histogram) -> None:
        """Count what the other has, too."""
        self.counts = [mine + theirs for mine, theirs in zip(self.counts, other.counts, strict=True)]
        self.seconds += other.seconds

    @property
    def times(self) -> int:
        """How many were counted."""
        return sum(self.counts)

    def quantile(self, part: float) -> float | None:
        """Seconds that `part` of them (0 to 1) took at most, as far as buckets can tell; None when there are none."""
        left = part * self.times
        if not self.times:
            return None
        below = 0.0
        for end, count in zip(BOUNDS, self.counts, strict=False):
            if count and left <= count:
                return below + (end - below) * left / count
            left -= count
            below = end
        return BOUNDS[-1]


def age(job: int, wall_ms: int) -> float:
    """Seconds since its submit; a clock that was set back makes nothing younger than now."""
    return max(wall_ms - id_created_ms(job), 0) / 1000


class Marks:
    """Two totals at the beginning of each of the last spans of `seconds`, the present one included."""

    __slots__ = ("_at", "_into", "_out", "_seconds")

    def __init__(self, seconds: int, now: int) -> None:
        self._seconds = seconds
        self._at = now // seconds
        self._into = array("q", [0] * SPANS)
        self._out = array("q", [0] * SPANS)

    def turn(self, now: int, into: int, out: int) -> None:
        """It is `now` (monotonic seconds), and nothing has been added since the totals were these."""
        passed = min(now // self._seconds - self._at, SPANS)
        if passed > 0:
            self._at = now // self._seconds
            for totals, total in ((self._into, into), (self._out, out)):
                del totals[:passed]
                totals.extend([total] * passed)

    def shown(self, into: int, out: int) -> tuple[list[int], list[int]]:
        """In and out in each span, the present one last, with totals as they are."""
        return _differences(self._into, into), _differences(self._out, out)


def _differences(totals: array[int], now: int) -> list[int]:
    if totals[0] == now:  # nothing has happened for long
        return [0] * SPANS
    return list(map(sub, (*totals[1:], now), totals))


class QueueFigures:
    """Of one queue, since the hall started or since it had something to count."""

    __slots__ = ("_before", "_late", "_late_since", "_minutes", "_second", "_seconds", "counts", "out", "waits")

    def __init__(self, now: int) -> None:
        self.counts: Counter[str] = Counter()
        self.out = 0  # jobs that came to their end
        self.waits = Histogram()
        self._second = now
        self._seconds = Marks(1, now)
        self._minutes = Marks(60, now)
        self._late, self._before = Histogram(), Histogram()
        self._late_since = now

    def count(self, name: str, jobs: int, is_end: bool, now: int) -> None:
        """So many of `name` happened at `now`, whole monotonic seconds."""
        if now != self._second:
            self.turn(now)
        self.counts[name] += jobs
        if is_end:
            self.out += jobs

    def ran(self, seconds: float, times: int, now: int) -> None:
        """So many attempts took `seconds` and have ended."""
        if now - self._late_since >= RECENT_SECONDS:
            self._grow_old(now)
        self._late.add(seconds, times)

    def turn(self, now: int) -> None:
        """It is `now`: what was counted so far was before."""
        self._second, into = now, self.into
        self._seconds.turn(now, into, self.out)
        self._minutes.turn(now, into, self.out)

    def _grow_old(self, now: int) -> None:
        is_long_ago = now - self._late_since >= 2 * RECENT_SECONDS
        self._before = Histogram() if is_long_ago else self._late
        self._late, self._late_since = Histogram(), now

    @property
    def into(self) -> int:
        """Jobs that came in."""
        return self.counts["submitted"]

    def seconds(self, now: int) -> tuple[list[int], list[int]]:
        """In and out in each of the last 60 seconds, the present one last."""
        self.turn(now)
        return self._seconds.shown(self.into, self.out)

    def minutes(self, now: int) -> tuple[list[int], list[int]]:
        """In and out in each of the last 60 minutes, the present one last."""
        self.turn(now)
        return self._minutes.shown(self.into, self.out)

    def recent(self, now: int) -> Histogram:
        """How long the attempts ran that ended in the last five to ten minutes."""
        if now - self._late_since >= RECENT_SECONDS:
            self._grow_old(now)
        found = Histogram()
        found.join(self._before)
        found.join(self._late)
        return found


class Figures:
    """Of all queues, and the run times of each kind in them; bounded, the rest is counted as `OTHER`."""

    def __init__(self) -> None:
        self.queues: dict[str, QueueFigures] = {}
        self.run_times: dict[tuple[str, str], Histogram] = {}  # by queue and kind
        self.commits = Histogram()

    def queue(self, name: str, now: int) -> QueueFigures:
        """The figures of this queue."""
        found = self.queues.get(name)
        if found is None:
            if len(self.queues) >= MOST_QUEUES:
                name = OTHER
            found = self.queues.setdefault(name, QueueFigures(now))
        return found

    def ran(self, queue: str, kind: str, seconds: float, times: int, now: int) -> None:
        """So many attempts took `seconds` and have ended `now`, whole monotonic seconds."""
        self.queue(queue, now).ran(seconds, times, now)
        found = self.run_times.get((queue, kind))
        if found is None:
            pair = (queue, kind) if len(self.run_times) < MOST_KINDS else (OTHER, OTHER)
            found = self.run_times.get(pair)
            if found is None:
                found = self.run_times[pair] = Histogram()
        found.add(seconds, times)
