"""G17: a worker that named itself loses its jobs with its connection, though it is back at once."""

from __future__ import annotations

from hirehall.core import lifecycle
from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = (
    "tests/core/test_dispatcher.py::test_a_named_worker_has_three_seconds_to_come_back_and_an_unnamed_one_none",
)


def plant(replace: Replace) -> None:
    replace(Leases, "detach", lambda leases, worker: leases.depart(worker, lifecycle.LOSE))
