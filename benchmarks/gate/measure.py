"""Hall and loop in turn, in short slices: what a job costs here over what it costs there.

Only CPU time is compared, and only that of slices beside each other: other work on the machine makes both dearer. Hall,
gate and loop share one core, so that the hall does not get a colder or a slower one than the loop.
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path as Folder

from msgspec import Struct

from benchmarks.gate.halls import HIREHALL, Hall, hall_in
from benchmarks.gate.loop import Loop, loop_in
from benchmarks.gate.paths.path import Path

FEWEST = 6  # slices; their median needs some


class Effort(Struct, frozen=True):
    """How long a path is measured: until it has so many slices, or for so long."""

    slices: int = 30
    seconds: float = 3.5

    def more(self, seconds: float) -> Effort:
        """For a second look."""
        return Effort(self.slices * 3, seconds)


class Measured(Struct, frozen=True):
    """What a path costs."""

    ratio: float  # how much of the loop's speed the hall has
    hall_us: float  # CPU time for one
    loop_us: float
    slices: int


def measure(kind: type[Path], effort: Effort, program: Sequence[str] = HIREHALL) -> Measured:
    """This path on a hall of its own."""
    with tempfile.TemporaryDirectory(prefix="gate-") as name, one_core():
        folder = Folder(name)
        with (
            hall_in(folder, program) as hall,
            loop_in(folder, kind.BESIDE) as loop,
            closing(kind(hall)) as path,
        ):
            one_slice(hall, path, loop)  # the first one warms up
            pairs = [one_slice(hall, path, loop) for _ in until(effort)]
    ratio = statistics.median(there / here for here, there in pairs)
    here, there = (statistics.median(side) * 1e6 for side in zip(*pairs, strict=True))
    return Measured(ratio, here, there, len(pairs))


def until(effort: Effort) -> Iterator[int]:
    """Numbers for slices, as many as there is time for."""
    end = time.monotonic() + effort.seconds
    for number in range(effort.slices):
        if number >= FEWEST and time.monotonic() > end:
            return
        yield number


def one_slice(hall: Hall, path: Path, loop: Loop) -> tuple[float, float]:
    """CPU seconds for one on the path, and in the loop right after it."""
    path.before()
    used = hall.cpu_seconds()
    count = path.run()
    used = hall.cpu_seconds() - used
    path.after()
    return used / count, loop.run()


@contextmanager
def one_core() -> Iterator[None]:
    """This process, and what it starts meanwhile, keep to one core."""
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)
