"""The SQLite store: one file, one writing connection, every batch one transaction.

`apply` runs its statements inline on the event loop's thread (they take microseconds) and then waits for the sync of
the log. With `:memory:` there is nothing to sync and nothing survives.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import cast

import apsw
import msgspec

from hirehall.core.operations import Batch, Claimed, Recovered
from hirehall.errors import HallError, StorageFull, StoreBroken, Unavailable
from hirehall.model import LaneKey, QueueSettings, State
from hirehall.ports import Query, Search, T
from hirehall.stores.sqlite_batch import carry_out, next_wake
from hirehall.stores.sqlite_file import BUSY_MS, lock
from hirehall.stores.sqlite_read import answer, claimed
from hirehall.stores.sqlite_search import Searches
from hirehall.stores.sqlite_tokens import read_tokens
from hirehall.stores.sqlite_upgrade import check_schema, refuse_a_stump, upgrade
from hirehall.stores.wal import Wal, sync_directory

OLDEST_SQLITE = 3_051_003  # older ones can corrupt a log that two connections reset and write

Sync = Callable[[], Awaitable[None]]


async def no_sync() -> None:
    """For a database in memory: there is no disk to wait for, but others shall have their turn."""
    await asyncio.sleep(0)


class SQLiteStore:
    """Implements ports.Store. `sync` replaces the waiting for the disk, for simulations."""

    def __init__(self, path: str = ":memory:", sync: Sync | None = None) -> None:
        self.path = path
        self.durability = "none" if path == ":memory:" else "fsync"
        self._sync = sync or no_sync
        self._wal: Wal | None = None
        self._lock: int | None = None
        self._db: apsw.Connection | None = None
        self._searches: Searches | None = None
        self._quiet = asyncio.Lock()  # held while something is committed and not yet durable, or looked at

    @property
    def db(self) -> apsw.Connection:
        """The writing connection, shared with nobody."""
        assert self._db is not None, "open() comes first"
        return self._db

    async def open(self) -> None:
        """Open or create the database and bring it up to date; refuse a newer schema, another hall's file, an SQLite
        with a known bug."""
        if apsw.SQLITE_VERSION_NUMBER < OLDEST_SQLITE:
            raise Unavailable(f"SQLite {apsw.sqlite_lib_version()} can corrupt its log: install apsw 3.51.3 or newer")
        if self.path != ":memory:":
            self._lock = lock(Path(self.path))
        try:
            await self._open_database()
        except apsw.FullError as exc:
            await self.close()
            raise Unavailable(f"no space left to open {self.path}: free some and try again") from exc
        except apsw.Error as exc:
            await self.close()
            raise Unavailable(
                f"cannot open {self.path}: {exc}; restore it from a backup or name another --data"
            ) from exc
        except HallError:
            await self.close()
            raise

    async def _open_database(self) -> None:
        if self.path != ":memory:":
            refuse_a_stump(Path(self.path))
        self._db = apsw.Connection(self.path)
        self._db.set_busy_timeout(BUSY_MS)  # someone may look into the file with another program
        for name, value in (("synchronous", "normal"), ("wal_autocheckpoint", 0), ("cache_size", -20_000)):
            self._db.pragma(name, value)
        check_schema(self._db, self.path)  # before a byte of it is changed
        if self.path != ":memory:" and self._db.pragma("journal_mode", "wal") != "wal":
            raise Unavailable(f"cannot keep a write-ahead log beside {self.path}: is it on a network file system?")
        self._prepare_schema()
        if self.path != ":memory:":
            await self._start_log()
        self._searches = self._searching()

    def _prepare_schema(self) -> None:
        upgrade(self.db)

    async def _start_log(self) -> None:
        """The log must exist and be found again, with the schema in it, before the first reply leans on it."""
        self.db.execute("UPDATE meta SET value = value WHERE name = 'last_id'")
        self._wal = Wal(Path(self.path))
        self.db.set_wal_hook(self._wal.hook)
        sync_directory(Path(self.path).parent)
        self._sync = self._wal.sync
        await self._sync()

    def _searching(self) -> Searches:
        if self.path == ":memory:":
            return Searches(self.db, self._quiet, is_shared=True)
        db = apsw.Connection(self.path, flags=apsw.SQLITE_OPEN_READONLY)
        db.set_busy_timeout(BUSY_MS)
        db.pragma("cache_size", -4_000)
        return Searches(db, self._quiet, is_shared=False)

    async def recover(self) -> Recovered:
        """Ready counts come from `counts`; running jobs from their own small index."""
        meta = dict(self.db.execute("SELECT name, value FROM meta"))
        lanes = [
            (number, LaneKey(queue, kind, requires, share, priority), jobs)
            for number, queue, kind, requires, share, priority, jobs in self.db.execute(
                "SELECT lanes.*, jobs FROM counts JOIN lanes USING (lane) WHERE state = 2 AND jobs > 0"
            )
        ]
        running = self._running()
        queues = {
            name: msgspec.json.decode(settings, type=QueueSettings)
            for name, settings in self.db.execute("SELECT name, settings FROM queues")
        }
        return Recovered(
            meta["database"], meta["last_id"], lanes, running, next_wake(self.db, 0), queues, read_tokens(self.db)
        )

    def _running(self) -> list[Claimed]:
        return [claimed(row) for row in self.db.execute(CLAIMED_RUNNING)]

    async def apply(self, batch: Batch) -> None:
        """One transaction, then the disk."""
        try:
            async with self._quiet:
                carry_out(self.db, batch)
                await self._sync()
        except apsw.FullError as exc:
            raise StorageFull(f"no space left for {self.path}: free some and try again") from exc
        except (apsw.Error, OSError) as exc:
            raise StoreBroken(f"cannot write {self.path}: {exc}") from exc

    async def read(self, query: Query[T]) -> T:
        """On the writing connection between two batches, when all that is committed is durable; a search on its own."""
        try:
            if isinstance(query, Search):
                assert self._searches is not None, "open() comes first"
                return cast(T, await self._searches.run(query))
            async with self._quiet:
                return answer(self.db, query)
        except (apsw.Error, OSError) as exc:
            raise StoreBroken(f"cannot read {self.path}: {exc}") from exc

    async def close(self) -> None:
        """Sync threads first, then the connections, then the lock."""
        if self._wal is not None:
            self._wal.close()
        if self._searches is not None:
            self._searches.close()
        if self._db is not None:
            self._db.close()
        if self._lock is not None:
            os.close(self._lock)
        self._wal = self._searches = self._db = self._lock = None


CLAIMED_RUNNING = (
    "SELECT id, lane, kind, queue, payload, attempt, forgiven, max_attempts, follow, rules, holder, lease_seconds"
    f" FROM jobs WHERE state = {int(State.RUNNING)}"
)
