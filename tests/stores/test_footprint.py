"""What a store says of its files and of its disk, for whoever watches it."""

from __future__ import annotations

import asyncio
from pathlib import Path

from hirehall.core.operations import Batch
from hirehall.model import Instant
from hirehall.ports import Footprint, Sizes
from hirehall.stores.sqlite import SQLiteStore


async def looked_at(store: SQLiteStore) -> tuple[Sizes, tuple[int, float]]:
    await store.open()
    try:
        await store.apply(Batch(Instant(1.0, 1_800_000_000_000), sweep=True))
        return await store.read(Footprint()), store.syncs
    finally:
        await store.close()


def test_bytes_are_those_of_the_files_and_each_wait_for_the_disk_is_counted(tmp_path: Path) -> None:
    sizes, (syncs, seconds) = asyncio.run(looked_at(SQLiteStore(str(tmp_path / "hall.db"), ballast=1 << 20)))
    assert sizes.database >= 4096
    assert sizes.log > 0
    assert sizes.ballast == 1 << 20
    assert sizes.free > 0
    assert syncs >= 2, "one at the start, one of the batch"
    assert 0.0 < seconds < 30.0


def test_in_memory_there_is_no_file_and_no_disk() -> None:
    sizes, syncs = asyncio.run(looked_at(SQLiteStore()))
    assert sizes.database > 0
    assert (sizes.log, sizes.ballast, sizes.free, syncs) == (0, 0, 0, (0, 0.0))
