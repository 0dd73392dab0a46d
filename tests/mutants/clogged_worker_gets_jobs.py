"""G28: a worker that does not read gets one job after the other, which nobody runs."""

from __future__ import annotations

from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = ("tests/doors/test_pressure.py::test_a_worker_that_does_not_read_gets_no_more_jobs_until_it_reads",)


def plant(replace: Replace) -> None:
    replace(Leases, "set_clogged", lambda leases, worker, clogged: None)
