"""G16: the worker of a job that was cancelled is not told."""

from __future__ import annotations

from typing import Any

from hirehall.core.effects import CANCELLED
from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = (
    "tales",
    "tests/core/test_dispatcher.py::test_cancelling_a_running_job_is_final_at_once_and_tells_its_worker",
)


def plant(replace: Replace) -> None:
    original = Leases.order_stop

    def order_stop(leases: Leases, worker: Any, lease: Any, why: str) -> None:
        if why != CANCELLED:
            original(leases, worker, lease, why)

    replace(Leases, "order_stop", order_stop)
