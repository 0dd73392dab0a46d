"""G1, G19: the disk is told to write what was committed, and nobody waits for it."""

from __future__ import annotations

import asyncio
from typing import Any

from hirehall.stores.sqlite import SQLiteStore
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = SQLiteStore.apply

    async def apply(store: Any, batch: Any) -> None:
        sync = store._sync

        async def begin_to_sync() -> None:
            store.late = asyncio.get_running_loop().create_task(sync())

        store._sync = begin_to_sync
        try:
            await original(store, batch)
        finally:
            store._sync = sync

    replace(SQLiteStore, "apply", apply)
