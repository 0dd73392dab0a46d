"""G7: after a restart the numbers of the attempts begin anew."""

from __future__ import annotations

from typing import Any

from hirehall.stores.sqlite import SQLiteStore
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = SQLiteStore.recover

    async def recover(store: SQLiteStore) -> Any:
        store.db.execute("UPDATE jobs SET attempt = 0, forgiven = 0 WHERE state IN (1, 2)")
        return await original(store)

    replace(SQLiteStore, "recover", recover)
