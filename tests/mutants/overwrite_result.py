"""G6, G11: a result that is reported again replaces the one that was taken."""

from __future__ import annotations

from typing import Any

from hirehall.core import lifecycle
from hirehall.core.operations import DUPLICATE
from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_judge.py::test_the_same_result_again_is_a_duplicate_and_the_first_one_stays",)


def plant(replace: Replace) -> None:
    original = sqlite_changes._change

    def change_one(work: Any, change: Any) -> None:
        original(work, change)
        if change.answer == DUPLICATE and change.step is lifecycle.SUCCEED:
            work.db.execute("UPDATE jobs SET result = ? WHERE id = ?", (change.result, change.id))

    replace(sqlite_changes, "_change", change_one)
