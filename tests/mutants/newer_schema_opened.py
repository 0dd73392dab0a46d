"""G19: a file that a newer hall has written is opened and written to."""

from __future__ import annotations

from hirehall.stores import sqlite
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_opening.py::test_data_of_a_newer_hall_is_refused",)


def plant(replace: Replace) -> None:
    replace(sqlite, "check_schema", lambda db, path: int(db.pragma("user_version")))
