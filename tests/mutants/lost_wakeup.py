"""G15: a worker whose place becomes free is not remembered as one that could take what waits."""

from __future__ import annotations

from typing import Any

from hirehall.core.lanes import Hallway
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    def refresh(hallway: Hallway, worker: Any) -> None:
        if worker.crew is not None:
            worker.crew.refresh(worker)

    replace(Hallway, "refresh", refresh)
