"""What `apply` has answered is on the disk, and an error of the disk is told: seen where the system is asked."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from hirehall.errors import StoreBroken
from hirehall.model import StoredJob
from hirehall.ports import ByIds
from tests.stores.books import StoreFactory, spec
from tests.stores.makers import MAKERS, StoreMaker


class Disk:
    """What the system was asked to sync; `broken` makes the next time an error, and that time only."""

    def __init__(self, directory: Path, patch: pytest.MonkeyPatch) -> None:
        self.log = directory / "data" / "hall.db-wal"
        self.synced = b""  # what the log held when it was synced last
        self.names: list[set[str]] = []  # what the directory held when it was synced
        self.broken = False
        self._fdatasync, self._fsync = os.fdatasync, os.fsync
        patch.setattr(os, "fdatasync", self.fdatasync)
        patch.setattr(os, "fsync", self.fsync)

    def fdatasync(self, fd: int) -> None:
        if self.broken:
            self.broken = False
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._fdatasync(fd)
        if os.path.samestat(os.fstat(fd), self.log.stat()):
            self.synced = self.log.read_bytes()

    def fsync(self, fd: int) -> None:
        self._fsync(fd)
        if os.path.samestat(os.fstat(fd), self.log.parent.stat()):
            self.names.append({path.name for path in self.log.parent.iterdir()})


@pytest.fixture
def maker(tmp_path: Path) -> StoreMaker:
    (tmp_path / "data").mkdir()
    return MAKERS["sqlite-file"](tmp_path)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    yield Disk(tmp_path, monkeypatch)
    monkeypatch.undo()


def test_every_batch_is_on_the_disk_before_it_is_answered(disk: Disk, store_factory: StoreFactory) -> None:
    books = store_factory()
    for _ in range(3):
        job = books.one()
        assert disk.log.read_bytes() == disk.synced
        books.start(job)
        assert disk.log.read_bytes() == disk.synced
        books.succeed_in_hand(job)
        assert disk.log.read_bytes() == disk.synced


def test_a_file_is_found_again_before_anything_leans_on_it(disk: Disk, store_factory: StoreFactory) -> None:
    store_factory()
    assert {"hall.db", "hall.db-wal"} <= set().union(*disk.names)
    assert disk.synced


def test_an_error_while_syncing_is_an_error_of_the_store(disk: Disk, store_factory: StoreFactory) -> None:
    books = store_factory()
    disk.broken = True
    with pytest.raises(StoreBroken, match="cannot write"):
        books.one()


def test_nobody_reads_what_is_not_on_the_disk_yet(
    store_factory: StoreFactory, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    books, synced = store_factory(), threading.Event()
    batch = books.batch()
    submit = books.add_submit(batch, spec())
    monkeypatch.setattr(os, "fdatasync", lambda fd: synced.wait(10))

    async def read_meanwhile() -> list[StoredJob]:
        applied = asyncio.ensure_future(books.store.apply(batch))
        await asyncio.sleep(0)
        read = asyncio.ensure_future(books.store.read(ByIds(submit.ids)))
        for _ in range(20):
            await asyncio.sleep(0)
        early = applied.done() or read.done()
        synced.set()
        await applied
        assert not early
        return await read

    assert [job.id for job in runner.run(read_meanwhile())] == submit.ids


def test_every_connection_that_writes_syncs_what_it_carries_over(store_factory: StoreFactory) -> None:
    """The power-cut images show it for a whole life of a log; this one says where to look."""
    store = store_factory().store
    assert [db.pragma("synchronous") for db in (store._db, store._wal._connection)] == [1, 1]
