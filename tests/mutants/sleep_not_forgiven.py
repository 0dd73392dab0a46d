"""G25: a machine that slept finds that everybody has been silent for as long."""

from __future__ import annotations

from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = ("tests/core/test_dispatcher.py::test_a_machine_that_slept_costs_no_lease",)


def plant(replace: Replace) -> None:
    replace(Leases, "forgive", lambda leases, lost_seconds: None)
