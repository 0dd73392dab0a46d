"""G7: a hand-out after the first carries the number of the one before."""

from __future__ import annotations

from hirehall.stores import sqlite_sweep
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(sqlite_sweep, "CLAIMABLE", sqlite_sweep.CLAIMABLE.replace(" attempt,", " max(attempt - 1, 0),", 1))
