"""What is said of the paths, and what is kept of it for docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.gate.judge import Verdict
from benchmarks.gate.paths import PATHS

HEAD = f"{'path':18}{'ratio':>8}{'floor':>8}{'last':>8}{'hall us':>10}{'loop us':>9}{'slices':>8}"


def said(verdict: Verdict) -> str:
    """One line of the table."""
    found, floor = verdict.found, verdict.floor
    numbers = f"{found.ratio:8.3g}{floor.floor:8.3g}{floor.measured:8.3g}{found.hall_us:10.1f}{found.loop_us:9.2f}"
    return f"{verdict.name:18}{numbers}{found.slices:8}{'  below its floor' if verdict.is_low else ''}"


def figures(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """What the page shows of each path."""
    return {
        verdict.name: {
            "of": " ".join((PATHS[verdict.name].__doc__ or "").split()),
            "hall_us": round(verdict.found.hall_us, 1),
            "ratio": float(f"{verdict.found.ratio:.3g}"),
            "floor": float(f"{verdict.floor.floor:.3g}"),
            "why": verdict.floor.why,
        }
        for verdict in verdicts
    }
