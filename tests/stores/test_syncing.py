"""What `apply` has answered is on the disk, and an error of the disk is told: seen where the system is asked."""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hirehall.errors import StoreBroken
from hirehall.model import StoredJob
from hirehall.ports import ByIds
from hirehall.stores import wal
from hirehall.stores.wal import Pace
from tests.stores.books import Books, StoreFactory, spec
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


class Threads:
    """In which threads the system was asked to sync. Each sync takes `seconds`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.asked: list[bool] = []  # was it the loop's?
        self.seconds = 0.0
        self._now = 0.0
        patch.setattr(os, "fdatasync", self._fdatasync)
        patch.setattr(wal, "perf_counter", lambda: self._now)

    def of(self, commit: Callable[[], object]) -> list[bool]:
        """Of the syncs of this commit."""
        self.asked.clear()
        commit()
        return self.asked

    def _fdatasync(self, fd: int) -> None:
        self.asked.append(threading.current_thread() is MAIN)
        self._now += self.seconds


MAIN = threading.main_thread()
QUICK, SLOW = wal.QUICK_SECONDS / 2, wal.SLOW_SECONDS * 2


@pytest.fixture
def threads(monkeypatch: pytest.MonkeyPatch) -> Threads:
    return Threads(monkeypatch)


def test_only_a_disk_that_has_shown_to_be_quick_is_waited_for_by_the_loop(
    threads: Threads, store_factory: StoreFactory
) -> None:
    books = store_factory()
    for _ in range(wal.ROW_OF_SYNCS - 1):  # opening it was one sync
        assert threads.of(books.one) == [False]
    assert threads.of(books.one) == [True]


def test_after_one_slow_sync_the_loop_waits_for_none_until_a_whole_row_was_quick(
    threads: Threads, store_factory: StoreFactory
) -> None:
    books = quick_store(store_factory)
    threads.seconds = SLOW
    assert threads.of(books.one) == [True]
    threads.seconds = QUICK
    for _ in range(wal.ROW_OF_SYNCS):
        assert threads.of(books.one) == [False]
    assert threads.of(books.one) == [True]


def test_a_large_commit_is_never_waited_for_by_the_loop(threads: Threads, store_factory: StoreFactory) -> None:
    books = quick_store(store_factory)
    assert threads.of(lambda: books.submit(*[spec() for _ in range(500)])) == [False]
    assert threads.of(books.one) == [True]


def test_while_the_log_is_carried_over_the_loop_waits_for_no_sync(
    threads: Threads, store_factory: StoreFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    books, carried = quick_store(store_factory), threading.Event()
    monkeypatch.setattr(wal, "CHECKPOINT_PAGES", 1)
    monkeypatch.setattr(books.store._wal, "_run_checkpoint", lambda: carried.wait(10))
    assert threads.of(books.one) == [True]
    assert threads.of(books.one) == [False]
    carried.set()


def quick_store(store_factory: StoreFactory) -> Books:
    """A store whose disk has shown to be quick."""
    books = store_factory()
    for _ in range(wal.ROW_OF_SYNCS):
        books.one()
    return books


def test_a_disk_that_is_mostly_slow_is_not_quick() -> None:
    pace = Pace()
    for at in range(wal.ROW_OF_SYNCS * 10):
        pace.note(wal.QUICK_SECONDS * (0.5 if at % 3 == 0 else 1.5))
        assert not pace.is_quick


def test_an_error_while_the_loop_itself_syncs_is_an_error_of_the_store(disk: Disk, store_factory: StoreFactory) -> None:
    books = store_factory()
    books.store._wal._pace.is_quick = True
    disk.broken = True
    with pytest.raises(StoreBroken, match="cannot write"):
        books.one()


def test_every_connection_that_writes_syncs_what_it_carries_over(store_factory: StoreFactory) -> None:
    """The power-cut images show it for a whole life of a log; this one says where to look."""
    store = store_factory().store
    assert [db.pragma("synchronous") for db in (store._db, store._wal._connection)] == [1, 1]
