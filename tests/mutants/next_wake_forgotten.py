"""G6, G15: what is due later is known only until the next commit: nobody wakes for it."""

from __future__ import annotations

from hirehall.stores import sqlite_batch
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(sqlite_batch, "next_wake", lambda db, now: None)
