"""G15: a worker that answers for a job which was cancelled in its hand does not get the place back."""

from __future__ import annotations

from typing import Any

from hirehall.core.leases import Leases
from hirehall.core.workers import Hold
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = Leases.answered

    def answered(leases: Leases, holder: str, job: int, attempt: int) -> Any:
        worker = leases.workers.get(holder)
        lease = worker.held.get(job) if worker is not None else None
        if lease is not None and lease.hold is Hold.OVER:
            return None
        return original(leases, holder, job, attempt)

    replace(Leases, "answered", answered)
