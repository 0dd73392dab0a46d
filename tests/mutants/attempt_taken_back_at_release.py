"""G7: a job that was given back forgets the attempt instead of forgiving it."""

from __future__ import annotations

from typing import Any

from hirehall.core import lifecycle
from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = sqlite_changes._update

    def update(work: Any, change: Any, row: Any) -> None:
        original(work, change, row)
        if change.step is lifecycle.RELEASE:
            work.db.execute("UPDATE jobs SET attempt = attempt - 1, forgiven = forgiven - 1 WHERE id = ?", (row.id,))

    replace(sqlite_changes, "_update", update)
