"""G12: an attempt may take as long as it likes, whatever its job's timeout."""

from __future__ import annotations

import math
from typing import Any

from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = (
    "tests/core/test_dispatcher.py::test_a_timeout_waits_fifteen_seconds_for_the_worker_and_then_ends_the_attempt",
)


def plant(replace: Replace) -> None:
    original = Leases.hold

    def hold(leases: Leases, worker: Any, lease: Any) -> None:
        original(leases, worker, lease)
        lease.ends_at = math.inf

    replace(Leases, "hold", hold)
