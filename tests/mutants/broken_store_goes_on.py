"""G21: after a commit that failed the hall answers and goes on, as if nothing had been."""

from __future__ import annotations

from typing import Any

from hirehall.errors import StoreBroken
from hirehall.stores.sqlite import SQLiteStore
from tests.mutants import Replace

CATCHERS = ("tests/service/test_honest_answers.py::test_after_an_error_of_the_store_nothing_is_answered_ok",)


def plant(replace: Replace) -> None:
    original = SQLiteStore.apply

    async def apply(store: SQLiteStore, batch: Any) -> None:
        try:
            await original(store, batch)
        except StoreBroken:
            for submit in batch.submits:
                submit.ids = [job.id for job in submit.jobs]

    replace(SQLiteStore, "apply", apply)
