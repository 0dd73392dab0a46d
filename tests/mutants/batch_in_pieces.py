"""G4: what one batch holds is committed in two transactions."""

from __future__ import annotations

from typing import Any

from hirehall.stores import sqlite_batch
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_all_or_nothing.py::test_a_failure_at_any_statement_leaves_nothing_of_the_batch",)


def plant(replace: Replace) -> None:
    original = sqlite_batch.store_changes

    def store_changes(work: Any) -> None:
        work.db.execute("COMMIT")
        work.db.execute("BEGIN IMMEDIATE")
        original(work)

    replace(sqlite_batch, "store_changes", store_changes)
