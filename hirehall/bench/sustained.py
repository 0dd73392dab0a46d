"""Full rate for minutes, with results that are kept for seconds: whether the rate holds, whether what is old goes, and
whether the files level off."""

from __future__ import annotations

import sys
import time
from itertools import pairwise
from typing import Any, NamedTuple

from hirehall.bench.gauge import Gauge, Row
from hirehall.bench.halls import RunningHall
from hirehall.bench.keeping import JobsMissing, held_in, told
from hirehall.bench.official import control
from hirehall.bench.peers import Load, Progress, nobody
from hirehall.bench.raw import Raw

KEEP_SECONDS = 30
SAMPLE_SECONDS = 0.5
SLACK_SECONDS = 5.0  # a job that is younger than KEEP_SECONDS less this must be there


class Sample(NamedTuple):
    """How far the load was at a moment, how large the files, and what the hall had used of the CPU."""

    at: float
    ended: int
    files: tuple[float, float] | None = None
    cpu_seconds: float | None = None


class Course:
    """The samples of a load, taken while it goes on."""

    def __init__(self, hall: RunningHall, progress: Progress = nobody) -> None:
        self._hall = hall
        self._gauge = Gauge(hall.pid, None)
        self._progress = progress
        self.samples = [self._look(0)]

    def _look(self, count: int) -> Sample:
        return Sample(time.monotonic(), count, self._hall.file_mib(), self._gauge.cpu_seconds())

    def sample(self, count: int) -> None:
        """Called again and again; looks twice a second."""
        if time.monotonic() >= self.samples[-1].at + SAMPLE_SECONDS:
            self.samples.append(self._look(count))
            self._progress(round(self.samples[-1].at - self.samples[0].at))

    def by(self, at: float) -> Sample:
        """The last look until that moment."""
        return max((sample for sample in self.samples if sample.at <= at), default=self.samples[0])

    def figures(self, minutes: float) -> dict[str, Any]:
        """The first and the last minute (of a shorter load: half), and of each minute what a job cost the hall and the
        files at its end. Old results go from KEEP_SECONDS on: the first minute has less to do than the others, and what
        grows from the second to the last is no pruning."""
        began, last = self.samples[0], self.samples[-1]
        part = min(60.0, (last.at - began.at) / 2)
        first, final = (began, self.by(began.at + part)), (self.by(last.at - part), last)
        ends = [began.at + part * (number + 1) for number in range(max(round((last.at - began.at) / part), 1))]
        files = [self.by(end + SAMPLE_SECONDS).files for end in ends]
        costs = cost(*first), cost(*final)
        each = [cost(*part) for part in pairwise([began, *map(self.by, ends)])]
        return {
            "minutes": minutes,
            "first_minute_jobs_per_s": rate(*first),
            "last_minute_jobs_per_s": rate(*final),
            "ratio": rate(*final) / rate(*first) if rate(*first) else None,
            "cpu_ratio": None if costs[0] is None or costs[1] is None else costs[1] / costs[0],
            "hall_us": [None if seconds is None else seconds * 1e6 for seconds in each],
            "database_mib": [size and size[0] for size in files],
            "wal_mib": [size and size[1] for size in files],
        }


def rate(begin: Sample, end: Sample) -> float:
    """Jobs a second between two looks."""
    return (end.ended - begin.ended) / (end.at - begin.at)


def cost(begin: Sample, end: Sample) -> float | None:
    """CPU time of the hall for a job between two looks, seconds."""
    if begin.cpu_seconds is None or end.cpu_seconds is None or end.ended == begin.ended:
        return None
    return (end.cpu_seconds - begin.cpu_seconds) / (end.ended - begin.ended)


def sustained(
    hall: RunningHall, raw: Raw, minutes: float, queue: str, progress: Progress = nobody
) -> tuple[Row, dict[str, Any]]:
    """The row, and what stands under `sustained`. Raises JobsMissing when the store does not hold what it should."""
    course = Course(hall, progress)
    more = {"keep_seconds": KEEP_SECONDS}
    load = Load(queue, sys.maxsize, seconds=minutes * 60, more=more)
    row = raw.end_to_end("sustained", load, course.sample)
    with control(hall) as asking:
        held = held_in(asking, load.queue)
        young = row.jobs - course.by(time.monotonic() - KEEP_SECONDS + SLACK_SECONDS).ended
    succeeded = held.pop("succeeded", 0)
    if held or not young <= succeeded <= row.jobs:
        others = f" and {told(held)}" if held else ""
        raise JobsMissing(
            f"of {row.jobs} jobs that were kept {KEEP_SECONDS} s the hall holds {succeeded} succeeded{others}:"
            f" at least {young} must be there"
        )
    return row, course.figures(minutes) | {"pruned_jobs": row.jobs - succeeded}
