"""G2: keys do not outlive the run of the hall."""

from __future__ import annotations

from typing import Any

from hirehall.stores.sqlite import SQLiteStore
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_recovery.py::test_a_key_is_known_after_reopening",)


def plant(replace: Replace) -> None:
    original = SQLiteStore.recover

    async def recover(store: SQLiteStore) -> Any:
        store.db.execute("UPDATE jobs SET key = NULL")
        return await original(store)

    replace(SQLiteStore, "recover", recover)
