"""What the official worker of the loads runs: `hirehall work hirehall.bench.worker`."""

from __future__ import annotations

from hirehall import job


@job
def noop(payload: str) -> None:
    """Nothing: what is measured is the way to it and back."""
