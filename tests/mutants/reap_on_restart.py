"""G18: after a restart every lease is over, though the workers live and work on."""

from __future__ import annotations

from typing import Any

from hirehall.core import lifecycle
from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = ("tests/service/test_restarts.py::test_who_was_at_work_keeps_its_job_and_nobody_else_gets_it",)


def plant(replace: Replace) -> None:
    def restore(leases: Any, job: Any) -> None:
        leases.end(None, leases._lease(job), lifecycle.LOSE)

    replace(Leases, "restore", restore)
