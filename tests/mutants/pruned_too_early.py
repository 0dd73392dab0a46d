"""G5: a job that succeeded is removed at once, and its result with it, instead of being kept for its time."""

from __future__ import annotations

from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(sqlite_changes, "SUCCEED_IN_HAND", sqlite_changes.SUCCEED_IN_HAND.replace("? + keep_ms", "?"))
