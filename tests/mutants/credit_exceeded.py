"""G15: a place that the next answer will fill is counted as free: a worker gets more than it asked for."""

from __future__ import annotations

from hirehall.core.workers import Worker
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = Worker.free.fget
    assert original is not None
    replace(Worker, "free", property(lambda worker: original(worker) + worker.promised))
