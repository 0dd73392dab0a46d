"""G5: a job that succeeded is removed at once, and its result with it, instead of being kept for its time."""

from __future__ import annotations

from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    kept = "?3 + keep_ms"
    for name in ("SUCCEED_IN_HAND", "SUCCEED_RUN"):
        statement = getattr(sqlite_changes, name)
        assert kept in statement
        replace(sqlite_changes, name, statement.replace(kept, "?3"))
