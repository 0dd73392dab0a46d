"""G11: a result that comes after its lease is refused, though nobody else has the job: the work was for nothing."""

from __future__ import annotations

from typing import Any

from hirehall.core import judging, lifecycle
from hirehall.core.operations import STALE
from hirehall.model import State
from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_judge.py::test_a_late_result_counts_while_nobody_else_has_the_job",)


def plant(replace: Replace) -> None:
    def judge(change: Any, row: Any) -> str:
        late = change.step is lifecycle.SUCCEED and row.state is State.READY
        return STALE if late else judging.judge(change, row)

    replace(sqlite_changes, "judge", judge)
