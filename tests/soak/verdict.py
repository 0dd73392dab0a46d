"""What a soak's samples say: rows of a table, each with its limit."""

from __future__ import annotations

from itertools import accumulate, pairwise
from statistics import median
from typing import NamedTuple

from tests.soak.gauge import MIB

WARM_UP_SECONDS = 90.0  # at least: the ring of events fills, retention begins to remove
RISE = 1.0  # MiB an hour
STEP_MIB = 1.0  # a heap grows by this at a time: a short run cannot tell one step from a slope
FDS = 5
SIZE_RATIO = 2.5
LOG_MIB = 96  # the hall waits for its checkpoint above 64


class Sample(NamedTuple):
    """At `at` seconds, in the `life`th process: bytes, and numbers."""

    at: float
    process: str
    life: int
    rss: int
    anonymous: int
    fds: int
    threads: int
    database: int = 0
    log: int = 0
    live: int = 0


class Row(NamedTuple):
    """One thing that was judged."""

    what: str
    value: float
    limit: float
    note: str = ""

    @property
    def holds(self) -> bool:
        return self.value <= self.limit


def settled(samples: list[Sample]) -> list[Sample]:
    """The last life without its first third, in which caches and heaps find their sizes."""
    last = [it for it in samples if it.life == samples[-1].life]
    begun = last[0].at
    warm_up = max(WARM_UP_SECONDS, (last[-1].at - begun) / 3)
    return [it for it in last if it.at - begun >= warm_up]


def rise(samples: list[Sample]) -> tuple[float, float]:
    """MiB an hour: the slope of a line through the samples, and its uncertainty. Samples that resemble their
    neighbours, as memory does, count for fewer."""
    points = [(it.at / 3600, it.anonymous / MIB) for it in samples]
    if len(points) < 5:
        return 0.0, float("inf")
    middle, level = (sum(values) / len(points) for values in zip(*points, strict=True))
    spread = sum((x - middle) ** 2 for x, _ in points)
    slope = sum((x - middle) * (y - level) for x, y in points) / spread
    off = [y - level - slope * (x - middle) for x, y in points]
    square = sum(it * it for it in off)
    alike = sum(a * b for a, b in pairwise(off)) / square if square else 0.0
    count = max(len(points) * (1 - alike) / (1 + alike), 3.0) if alike > 0 else len(points)
    span = points[-1][0] - points[0][0]
    return slope, max(2 * (square / (count - 2) / spread) ** 0.5, STEP_MIB / span)


def judge(samples: list[Sample]) -> list[Row]:
    """The rows for every process, and for the hall's files."""
    rows = []
    for name in dict.fromkeys(it.process for it in samples):
        own = settled([it for it in samples if it.process == name])
        if not own:
            continue
        slope, error = rise(own)
        rows.append(Row(f"{name}: MiB an hour", slope, RISE + error, f"+-{error:.1f} is noise"))
        quarter = max(1, len(own) // 4)
        change = abs(median(it.fds for it in own[-quarter:]) - median(it.fds for it in own[:quarter]))
        rows.append(Row(f"{name}: descriptors", change, FDS, f"at last {own[-1].fds}"))
    files = [it for it in samples if it.process == "hall" and it.at >= WARM_UP_SECONDS]
    if files:  # SQLite gives no pages back: the file is as large as the most that was ever live has made it
        most = accumulate((it.live for it in files), max)
        worst = max(it.database / live for it, live in zip(files, most, strict=True))
        rows.append(Row("database / most live data", worst, SIZE_RATIO, f"{files[-1].database / MIB:.0f} MiB"))
        rows.append(Row("write-ahead log, MiB", max(it.log for it in files) / MIB, LOG_MIB))
    return rows
