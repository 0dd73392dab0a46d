"""G15: a worker that reports a failure does not get the place back."""

from __future__ import annotations

from typing import Any

from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = ("tales", "simulation")


def plant(replace: Replace) -> None:
    original = Leases.fail

    def fail(leases: Any, holder: str, *rest: Any) -> Any:
        change = original(leases, holder, *rest)
        if holder in leases.workers:
            leases.promise(leases.workers[holder])
        return change

    replace(Leases, "fail", fail)
