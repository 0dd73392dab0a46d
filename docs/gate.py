"""The part of docs/performance.md about the gate, made of what `make bench-check RECORD=--record` has kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FIGURES = Path(__file__).parent / "figures" / "bench-check.json"

INTRODUCTION = """\
## What keeps it so

`make bench-check`, which CI runs, measures each path of the hall against a calibration loop: what any durable server
must do for a job (decode it, insert it with SQLite in WAL mode, fdatasync, encode an answer) in batches of 1,000
(of one where one job is alone), without a server. Hall and loop run in turn on one core, in slices of some 30 ms; what
counts is the CPU time of the loop for a job over that of the hall for one, the median over all pairs of slices. Other
work on the machine makes both dearer and leaves the ratio. A path below its floor is measured once more, three times as
long, and fails if it still is. A ratio more than a quarter above what was last measured (more where
floors are lower) does not fail; the last line asks for new floors then. CPU time does not see waiting: a hall that only
began to wait longer would pass.

The ratio says how much of the loop's speed the hall has. It belongs to this kind of machine: floors stand in [one
table](../benchmarks/gate/floors.toml), and `make bench-check FLOORS=--set-floors` writes it anew in two or three
minutes; with `RECORD=--record` in the same call this page shows what was measured. To see where the hall spends its
time on a path: `make bench-check ONLY=submit PROFILE=submit.prof`.
"""


def section() -> str:
    """The part of the page."""
    kept = json.loads(FIGURES.read_text())
    rows = "".join(row(name, found) for name, found in kept["figures"].items())
    where = f"{kept['date']}, {kept['commit']}, {kept['machine']}; `{kept['command']}`."
    head = "| path | one is | hall, us of CPU | ratio | floor |\n|---|---|--:|--:|--:|\n"
    return f"{INTRODUCTION}\n{where}\n\n{head}{rows}{reasons(kept['figures'])}"


def row(name: str, found: dict[str, Any]) -> str:
    """One path."""
    return f"| {name} | {found['of']} | {found['hall_us']} | {found['ratio']} | {found['floor']} |\n"


def reasons(figures: dict[str, dict[str, Any]]) -> str:
    """Why some floors are lower than others, and which."""
    names: dict[str, list[str]] = {}
    for name, found in figures.items():
        names.setdefault(found["why"], []).append(name)
    return "".join(f"\nLower floors of {', '.join(of)}: {why}.\n" for why, of in names.items() if why)
