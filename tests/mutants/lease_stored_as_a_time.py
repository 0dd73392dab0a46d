"""G18, G25: after a restart a lease has only what was left of it, which no worker's beats could prolong meanwhile."""

from __future__ import annotations

from typing import Any

from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = ("tests/service/test_restarts.py::test_who_was_at_work_keeps_its_job_and_nobody_else_gets_it",)


def plant(replace: Replace) -> None:
    original = Leases.restore

    def restore(leases: Leases, job: Any) -> None:
        original(leases, job)
        lease = leases.open.get(job.id)
        if lease is not None:
            lease.since -= job.lease_seconds - 1.0
            leases.watch(leases.workers[job.holder], lease.since + job.lease_seconds)

    replace(Leases, "restore", restore)
