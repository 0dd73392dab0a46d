"""What is said of a run: when and where it was, and whether it had the machine to itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

QUIET = 0.5  # of the cores: a load average below that is nobody's work


def busy(machine: str, load: float | str) -> list[str]:
    """Nothing for a quiet machine. `machine` begins with its cores, `load` is the load average before the run."""
    cores = int(machine.partition(" ")[0])
    if float(load) <= QUIET * cores:
        return []
    many = f"the load average before it was {float(load):.1f} on {cores} cores"
    slower = "Every server is slower there than alone, and rounds differ much"
    return [f"It was made beside other work: {many}. {slower}; which of two near ones is faster it does not show."]


def kept(path: Path) -> tuple[dict[str, Any], str, str]:
    """The figures of a recorded run; where and how it was made; what is said of its load, after a space."""
    run = json.loads(path.read_text())
    figures = run["figures"]
    where = f"{run['date']}, {run['commit']}, {run['machine']}; `{run['command']}`."
    return figures, where, "".join(f" {sentence}" for sentence in busy(run["machine"], figures["load"]))
