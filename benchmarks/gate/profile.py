"""Where the hall spends its time on a path."""

from __future__ import annotations

import pstats
from pathlib import Path

from benchmarks.gate.halls import HIREHALL
from benchmarks.gate.measure import Effort, measure
from benchmarks.gate.paths import PATHS

LINES = 30


def profile(name: str, file: Path) -> None:
    """Measure the path with a profiler in the hall; print the dearest functions, keep all in `file`."""
    program = ("cProfile", "-o", str(file.absolute()), "-m", *HIREHALL)
    measure(PATHS[name], Effort(), program)
    pstats.Stats(str(file)).sort_stats("tottime").print_stats(LINES)
    print(f"all of it is in {file}: python -m pstats {file}")
