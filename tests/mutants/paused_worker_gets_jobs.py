"""Workers: one that a person has paused or drained gets jobs as before."""

from __future__ import annotations

from typing import Any

from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = ("tests/core/test_modes.py::test_a_worker_that_is_paused_or_draining_gets_nothing_new",)


def plant(replace: Replace) -> None:
    def set_mode(leases: Any, worker: Any, mode: str) -> None:
        leases.hallway.refresh(worker)

    replace(Leases, "set_mode", set_mode)
