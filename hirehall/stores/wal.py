"""The durable side of SQLite: syncing its write-ahead log, and keeping that log short.

SQLite runs with synchronous=NORMAL, so that COMMIT returns without waiting for the disk; a thread then syncs the log
before any reply leaves. That is what FULL promises, without stopping the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import apsw

from hirehall.stores.sqlite_pages import connect

PAGE_BYTES = 4096
CHECKPOINT_PAGES = 1_000  # about 4 MiB: checkpoint in the background
FULL_PAGES = (64 << 20) // PAGE_BYTES  # a batch waits until the log has been emptied


class Wal:
    """Syncs and checkpoints one database file. All waiting happens on two threads of its own."""

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

    def hook(self, connection: apsw.Connection, database: str, pages: int) -> int:
        """For `apsw.Connection.set_wal_hook`: remember how long the log is."""
        self.pages = pages
        return int(apsw.SQLITE_OK)

    async def sync(self) -> None:
        """Return when everything committed so far is on the disk."""
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._syncs, os.fdatasync, self._fd)
        if self._checkpoint is not None and self._checkpoint.done():
            self._checkpoint.result()  # an I/O error there is an I/O error of the store
        if self.pages >= FULL_PAGES:
            await self.empty()
        elif self.pages >= CHECKPOINT_PAGES and (self._checkpoint is None or self._checkpoint.done()):
            self._checkpoint = loop.run_in_executor(self._checkpoints, self._run_checkpoint)

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
