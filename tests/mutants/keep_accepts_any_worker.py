"""G7, G23: a worker that comes back keeps a job that it never had."""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall.core import judging, lifecycle
from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_judge.py::test_nobody_else_resumes_a_lost_job",)


def plant(replace: Replace) -> None:
    def judge(change: Any, row: Any) -> str:
        if change.step is lifecycle.RESUME:
            change = msgspec.structs.replace(change, holder=row.holder)
        return judging.judge(change, row)

    replace(sqlite_changes, "judge", judge)
