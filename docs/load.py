"""What is said of a run that had not the machine to itself."""

from __future__ import annotations

QUIET = 0.5  # of the cores: a load average below that is nobody's work


def busy(machine: str, load: float | str) -> list[str]:
    """Nothing for a quiet machine. `machine` begins with its cores, `load` is the load average before the run."""
    cores = int(machine.partition(" ")[0])
    if float(load) <= QUIET * cores:
        return []
    many = f"the load average before it was {float(load):.1f} on {cores} cores"
    slower = "Every server is slower there than alone, and rounds differ much"
    return [f"It was made beside other work: {many}. {slower}; which of two near ones is faster it does not show."]
