"""Locks: who holds a place is not counted right."""

from __future__ import annotations

from hirehall.stores import sqlite_gates
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(sqlite_gates, "HOLDERS", sqlite_gates.HOLDERS.replace("count(*)", "max(count(*) - 1, 0)"))
