"""What the bench says of the store is what the store does."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hirehall.bench.ground import JOURNAL_MODE, SYNCHRONOUS, ground_of
from hirehall.bench.report import synced
from hirehall.stores.sqlite import SQLiteStore

LEVELS = ("off", "normal", "full", "extra")  # as SQLite numbers them


def test_the_modes_that_are_told_are_those_of_the_store(tmp_path: Path) -> None:
    asyncio.run(check_modes(tmp_path / "hall.db"))


async def check_modes(path: Path) -> None:
    """By its own connection."""
    store = SQLiteStore(str(path))
    await store.open()
    try:
        assert store.db.pragma("journal_mode") == JOURNAL_MODE
        assert LEVELS[store.db.pragma("synchronous")] == SYNCHRONOUS
        assert store.durability == "fsync"
    finally:
        await store.close()


def test_a_hall_elsewhere_is_not_said_to_have_modes() -> None:
    ground = ground_of(None)
    ground.durability = "fsync"
    assert synced(ground) == "durability fsync: the disk has it before an answer"
    ground.durability = "none"
    assert synced(ground) == "durability none: nothing survives"
