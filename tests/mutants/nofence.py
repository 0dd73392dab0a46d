"""G7, G11: the result of an attempt that has lost its job is taken."""

from __future__ import annotations

from typing import Any

from hirehall.core import judging, lifecycle
from hirehall.core.operations import APPLIED
from hirehall.model import State
from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    def judge(change: Any, row: Any) -> str:
        late = change.step is lifecycle.SUCCEED and row.state in (State.RUNNING, State.READY)
        return APPLIED if late else judging.judge(change, row)

    replace(sqlite_changes, "judge", judge)
