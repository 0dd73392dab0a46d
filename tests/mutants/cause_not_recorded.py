"""G8: why an attempt ended is not kept with its job."""

from __future__ import annotations

from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(sqlite_changes, "_history", lambda work, change, row: row.history)
