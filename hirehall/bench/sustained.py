"""Full rate for minutes, with results that are kept for seconds: whether the rate holds, whether what is old goes, and
whether the files level off."""

from __future__ import annotations

import sys
import time
from typing import Any, NamedTuple

from hirehall.bench.gauge import Row
from hirehall.bench.halls import RunningHall
from hirehall.bench.keeping import JobsMissing, held_in, told
from hirehall.bench.official import control
from hirehall.bench.peers import Load, Progress, nobody
from hirehall.bench.raw import Raw

KEEP_SECONDS = 30
SAMPLE_SECONDS = 0.5
SLACK_SECONDS = 5.0  # a job that is younger than KEEP_SECONDS less this must be there


class Sample(NamedTuple):
    """How far the load was at a moment, and how large the files."""

    at: float
    ended: int
    files: tuple[float, float] | None


class Course:
    """The samples of a load, taken while it goes on."""

    def __init__(self, hall: RunningHall, progress: Progress = nobody) -> None:
        self._hall = hall
        self._progress = progress
        self.samples = [Sample(time.monotonic(), 0, hall.file_mib())]

    def sample(self, count: int) -> None:
        """Called again and again; looks twice a second."""
        now = time.monotonic()
        if now >= self.samples[-1].at + SAMPLE_SECONDS:
            self.samples.append(Sample(now, count, self._hall.file_mib()))
            self._progress(round(now - self.samples[0].at))

    def ended_by(self, at: float) -> int:
        """How many had ended at that moment, or a little before."""
        return max((sample.ended for sample in self.samples if sample.at <= at), default=0)

    def figures(self, minutes: float) -> dict[str, Any]:
        """The first and the last minute (of a shorter load: half), and the files at the end of each minute."""
        began, last = self.samples[0].at, self.samples[-1].at
        part = min(60.0, (last - began) / 2)
        first_rate = self.ended_by(began + part) / part
        last_rate = (self.samples[-1].ended - self.ended_by(last - part)) / part
        ends = [began + part * (number + 1) for number in range(max(round((last - began) / part), 1))]
        files = [max((s for s in self.samples if s.at <= end + SAMPLE_SECONDS), key=_at).files for end in ends]
        return {
            "minutes": minutes,
            "first_minute_jobs_per_s": first_rate,
            "last_minute_jobs_per_s": last_rate,
            "ratio": last_rate / first_rate,
            "database_mib": [size and size[0] for size in files],
            "wal_mib": [size and size[1] for size in files],
        }


def _at(sample: Sample) -> float:
    return sample.at


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
        young = row.jobs - course.ended_by(time.monotonic() - KEEP_SECONDS + SLACK_SECONDS)
    succeeded = held.pop("succeeded", 0)
    if held or not young <= succeeded <= row.jobs:
        others = f" and {told(held)}" if held else ""
        raise JobsMissing(
            f"of {row.jobs} jobs that were kept {KEEP_SECONDS} s the hall holds {succeeded} succeeded{others}:"
            f" at least {young} must be there"
        )
    return row, course.figures(minutes) | {"pruned_jobs": row.jobs - succeeded}
