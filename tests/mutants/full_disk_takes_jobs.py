"""G20: on a full disk new jobs take the room that is kept for results."""

from __future__ import annotations

from hirehall.stores import sqlite
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_full.py::test_small_submits_without_keys_are_refused_too",)


def plant(replace: Replace) -> None:
    original = sqlite.carry_out
    replace(sqlite, "carry_out", lambda db, batch, full=None, *more: original(db, batch, None, *more))
