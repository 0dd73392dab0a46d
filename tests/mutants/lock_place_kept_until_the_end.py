"""Locks: a job that waits for its next attempt still holds its lock."""

from __future__ import annotations

from typing import Any

from hirehall.stores import sqlite_gates
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = sqlite_gates._give_back

    def give_back(work: Any) -> None:
        work.left = {job for job in work.left if job in work.ended}
        original(work)

    replace(sqlite_gates, "_give_back", give_back)
