"""The durable side of SQLite: syncing its write-ahead log, and keeping that log short.

SQLite runs with synchronous=NORMAL, so that COMMIT returns without waiting for the disk; a thread then syncs the log
before any reply leaves. That is what FULL promises, without stopping the event loop.

A commit of few pages is synced by the loop itself where the disk has shown that it is quick: to wake a thread, and to
be woken by it, takes longer than such a sync. What comes meanwhile could only be read, not answered: its own commit
stands behind this one. A disk that hangs all of a sudden stops the loop once, for that one sync. Beats wait in their
sockets meanwhile. A hang of two seconds or more is a turn that comes late, for which no lease pays; a shorter one can
cost a lease that is hardly longer than it, since its beats stand unread. That disk then has to show anew that it is
quick, so it cannot do so more often than once in a row of syncs.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from time import perf_counter

import apsw

from hirehall.stores.sqlite_pages import connect

PAGE_BYTES = 4096
CHECKPOINT_PAGES = 1_000  # about 4 MiB: checkpoint in the background
FEW_PAGES = 5  # of one commit: a job alone changes three or four
QUICK_SECONDS, SLOW_SECONDS = 0.001, 0.01  # of a sync
ROW_OF_SYNCS = 64
FULL_PAGES = (64 << 20) // PAGE_BYTES  # a batch waits until the log has been emptied


class Pace:
    """How quick a disk has shown to be: after a row of syncs that were quick in the median, and none of them slow, it
    is quick until one is slow, or a row in the median."""

    def __init__(self) -> None:
        self.is_quick = False
        self._row: list[float] = []

    def note(self, seconds: float) -> None:
        """Another sync took so long."""
        self._row.append(seconds)
        if seconds > SLOW_SECONDS:
            self.is_quick = False
            self._row.clear()
        elif len(self._row) == ROW_OF_SYNCS:
            self.is_quick = median(self._row) < QUICK_SECONDS
            self._row.clear()


class Wal:
    """Syncs and checkpoints one database file. All long waiting happens on two threads of its own."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(f"{path}-wal", os.O_RDWR)
        self._connection = connect(str(path))
        self._connection.pragma("cache_size", -4_000)
        self._connection.pragma("synchronous", "normal")
        self._connection.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # the writing one closes last, and decides
        self._syncs = ThreadPoolExecutor(1, "hall-sync")
        self._checkpoints = ThreadPoolExecutor(1, "hall-checkpoint")
        self._checkpoint: asyncio.Future[None] | None = None
        self.pages = 0  # in the log after the last commit
        self._synced = 0  # of them
        self._pace = Pace()
        self.sync_count, self.sync_seconds = 0, 0.0  # how often and how long a batch waited for the disk

    def hook(self, connection: apsw.Connection, database: str, pages: int) -> int:
        """For `apsw.Connection.set_wal_hook`: remember how long the log is."""
        self.pages = pages
        return int(apsw.SQLITE_OK)

    async def sync(self) -> None:
        """Return when everything committed so far is on the disk."""
        begun = perf_counter()
        if self._is_soon_done:
            self._run_sync()
        else:
            await asyncio.get_running_loop().run_in_executor(self._syncs, self._run_sync)
        self._synced = self.pages
        self.sync_count += 1
        self.sync_seconds += perf_counter() - begun
        if self._checkpoint is not None and self._checkpoint.done():
            self._checkpoint.result()  # an I/O error there is an I/O error of the store
            self._checkpoint = None
        if self.pages >= FULL_PAGES:
            await self.empty()
        elif self.pages >= CHECKPOINT_PAGES and self._checkpoint is None:
            loop = asyncio.get_running_loop()
            self._checkpoint = loop.run_in_executor(self._checkpoints, self._run_checkpoint)

    @property
    def _is_soon_done(self) -> bool:
        """Few pages, on a disk that is quick and has nothing else to write."""
        few = self._synced <= self.pages <= self._synced + FEW_PAGES
        return few and self._pace.is_quick and self._checkpoint is None

    def _run_sync(self) -> None:
        began = perf_counter()
        os.fdatasync(self._fd)
        if self._checkpoint is None:  # else the disk has other things to do, too
            self._pace.note(perf_counter() - began)

    async def empty(self) -> None:
        """Nobody writes meanwhile, so the checkpoint reaches the log's end and the next commit begins it anew."""
        loop = asyncio.get_running_loop()
        if self._checkpoint is not None:
            await self._checkpoint
        await loop.run_in_executor(self._checkpoints, self._run_checkpoint)

    def _run_checkpoint(self) -> None:
        with contextlib.suppress(apsw.BusyError, apsw.LockedError, apsw.FullError):  # the next one tries again
            self._connection.wal_checkpoint(None, apsw.SQLITE_CHECKPOINT_PASSIVE)

    async def truncate(self) -> None:
        """Give the log's blocks back too. Nobody writes meanwhile."""
        await self.empty()
        await asyncio.get_running_loop().run_in_executor(self._checkpoints, self._cut)

    def _cut(self) -> None:
        with contextlib.suppress(apsw.BusyError, apsw.LockedError, apsw.FullError):
            self._connection.wal_checkpoint(None, apsw.SQLITE_CHECKPOINT_TRUNCATE)

    def close(self) -> None:
        """Let the threads finish and give everything back."""
        self._syncs.shutdown()
        self._checkpoints.shutdown()
        self._connection.close()
        os.close(self._fd)
