"""What is said of the paths, and what is kept of it for docs/performance.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from benchmarks.gate.judge import SET_FLOORS, Verdict
from benchmarks.gate.paths import PATHS

HEAD = f"{'path':18}{'ratio':>8}{'floor':>8}{'last':>8}{'hall us':>10}{'loop us':>9}{'slices':>8}"


def said(verdict: Verdict) -> str:
    """One line of the table."""
    found, floor = verdict.found, verdict.floor
    numbers = f"{found.ratio:8.3g}{floor.floor:8.3g}{floor.measured:8.3g}{found.hall_us:10.1f}{found.loop_us:9.2f}"
    return f"{verdict.name:18}{numbers}{found.slices:8}{remark(verdict)}"


def remark(verdict: Verdict) -> str:
    """What is to be said of its ratio."""
    if verdict.is_low:
        return "  below its floor"
    return "  far above the last" if verdict.is_high else ""


def advice(verdicts: Sequence[Verdict]) -> str:
    """What to do about floors that hold nothing any more; empty when there are none."""
    high = ", ".join(verdict.name for verdict in verdicts if verdict.is_high)
    return high and f"far above what was last measured: {high}: set the floors anew: make bench-check {SET_FLOORS}"


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
