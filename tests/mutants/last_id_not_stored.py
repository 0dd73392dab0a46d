"""G25: a hall that starts again does not know which ids were given out."""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall.stores.sqlite import SQLiteStore
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_recovery.py::test_ids_never_come_back_even_when_every_job_was_removed",)


def plant(replace: Replace) -> None:
    original = SQLiteStore.recover

    async def recover(store: SQLiteStore) -> Any:
        return msgspec.structs.replace(await original(store), last_id=0)

    replace(SQLiteStore, "recover", recover)
