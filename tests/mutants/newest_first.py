"""G14: inside a lane the job that came last starts first."""

from __future__ import annotations

from hirehall.stores import sqlite_sweep
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(sqlite_sweep, "CLAIMABLE", sqlite_sweep.CLAIMABLE.replace("ORDER BY place", "ORDER BY place DESC"))
