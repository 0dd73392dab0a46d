"""G1, G19: whoever reads sees what is committed and not yet on the disk, and a power cut takes back."""

from __future__ import annotations

from typing import Any

from hirehall.stores import sqlite
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_syncing.py::test_nobody_reads_what_is_not_on_the_disk_yet",)


def plant(replace: Replace) -> None:
    original = sqlite.SQLiteStore.read

    async def read(store: Any, query: Any) -> Any:
        if type(query).__name__ == "Search":
            return await original(store, query)
        return sqlite.answer(store.db, query)

    replace(sqlite.SQLiteStore, "read", read)
