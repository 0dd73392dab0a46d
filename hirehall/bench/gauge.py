"""What processes use while a load runs: CPU time and memory."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
from msgspec import Struct


class Row(Struct, kw_only=True):
    """One line of the table. What could not be measured is None."""

    what: str
    jobs: int = 0
    seconds: float = 0.0
    jobs_per_s: float | None = None
    hall_us: float | None = None  # CPU time for a job
    client_us: float | None = None
    worker_us: float | None = None
    rss_before_mib: float | None = None  # of the hall
    rss_after_mib: float | None = None

    @property
    def rss_growth_mib(self) -> float | None:
        """What the hall takes more than before."""
        if self.rss_before_mib is None or self.rss_after_mib is None:
            return None
        return self.rss_after_mib - self.rss_before_mib


class Gauge:
    """Looks at the hall, at the worker and at this process, the client. A hall or a worker elsewhere is None."""

    def __init__(self, hall: int | None, worker: int | None) -> None:
        self._hall = hall
        self._watched = [hall, os.getpid(), worker]

    @contextmanager
    def measured(self, what: str) -> Iterator[Row]:
        """The row of what is done within; who does it says how many `jobs` it was."""
        row = Row(what=what, rss_before_mib=self.rss_mib())
        used, began = self._used(), time.monotonic()
        yield row
        row.seconds = time.monotonic() - began
        now = self._used()
        row.rss_after_mib = self.rss_mib()
        row.jobs_per_s = row.jobs / row.seconds
        row.hall_us, row.client_us, row.worker_us = (
            None if then is None or still is None else (still - then) * 1e6 / max(row.jobs, 1)
            for then, still in zip(used, now, strict=True)
        )

    def rss_mib(self) -> float | None:
        """What the hall takes now."""
        return None if self._hall is None else psutil.Process(self._hall).memory_info().rss / (1 << 20)

    def cpu_seconds(self) -> float | None:
        """What the hall has used since it began."""
        return None if self._hall is None else used_by(self._hall)

    def _used(self) -> list[float | None]:
        return [None if process is None else used_by(process) for process in self._watched]


def used_by(pid: int) -> float:
    """CPU time of a process and all its threads, in seconds: its own and the system's for it. To the nanosecond on
    Linux, elsewhere as its system tells it."""
    if sys.platform == "linux":
        return time.clock_gettime(~pid << 3 | 2)  # the clock that clock_getcpuclockid(3) answers
    user, system = psutil.Process(pid).cpu_times()[:2]
    return float(user + system)
