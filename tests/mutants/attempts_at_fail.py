"""G10: an attempt counts when it fails, not when it is handed out: one that takes its worker along never counts."""

from __future__ import annotations

from typing import Any

from hirehall.core import leases, lifecycle
from hirehall.core.operations import Change
from hirehall.model import State
from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = ("tests/core/test_dispatcher.py::test_a_lost_job_counts_its_attempt_and_ends_when_none_is_left",)


def plant(replace: Replace) -> None:
    ending, updated = leases.ending, sqlite_changes._updated

    def lost(lease: Any, step: Any, *more: Any) -> Change:
        change = ending(lease, step, *more)
        if change.step is lifecycle.LOSE:
            change.target = State.READY
        return change

    def forgiven(work: Any, change: Any, row: Any, target: Any) -> Any:
        values = list(updated(work, change, row, target))
        values[3] += change.step is lifecycle.LOSE
        return tuple(values)

    replace(leases, "ending", lost)
    replace(sqlite_changes, "_updated", forgiven)
