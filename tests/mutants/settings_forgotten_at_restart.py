"""Queues: what was set on a queue holds until the hall is started again."""

from __future__ import annotations

from typing import Any

from hirehall.stores.sqlite import SQLiteStore
from tests.mutants import Replace

CATCHERS = ("tests/service/test_restarts.py::test_a_paused_queue_stays_paused",)


def plant(replace: Replace) -> None:
    original = SQLiteStore.recover

    async def recover(store: SQLiteStore) -> Any:
        store.db.execute("DELETE FROM queues")
        return await original(store)

    replace(SQLiteStore, "recover", recover)
