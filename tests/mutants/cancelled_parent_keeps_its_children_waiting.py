"""After: only success is told to the jobs that wait."""

from __future__ import annotations

from hirehall.stores import sqlite_gates
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(sqlite_gates, "_cancel", lambda work, job, fault: None)
