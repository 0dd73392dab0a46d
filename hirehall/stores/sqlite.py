"""The SQLite store: one file, one writing connection, every batch one transaction.

`apply` runs its statements inline on the event loop's thread (they take microseconds) and then waits for the sync of
the log. With `:memory:` there is nothing to sync and nothing survives.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

import apsw
import msgspec

from hirehall.core.operations import Batch, Claimed, Recovered
from hirehall.durable import sync_directory
from hirehall.errors import Damaged, HallError, StorageFull, StoreBroken, Unavailable
from hirehall.model import LaneKey, QueueSettings, State
from hirehall.ports import Query, Search, T
from hirehall.stores import sqlite_pages
from hirehall.stores.ballast import Ballast
from hirehall.stores.room import Room, is_full
from hirehall.stores.sqlite_batch import carry_out, next_wake
from hirehall.stores.sqlite_damage import REMEDY, Aside
from hirehall.stores.sqlite_file import BUSY_MS, lock
from hirehall.stores.sqlite_log import lost_commits, note_lost
from hirehall.stores.sqlite_pages import connect, is_damage
from hirehall.stores.sqlite_read import answer, claimed
from hirehall.stores.sqlite_runs import Results
from hirehall.stores.sqlite_search import Searches
from hirehall.stores.sqlite_tokens import read_tokens
from hirehall.stores.sqlite_upgrade import check_schema, refuse_a_stump, upgrade
from hirehall.stores.wal import Wal

OLDEST_SQLITE = 3_051_003  # older ones can corrupt a log that two connections reset and write

Sync = Callable[[], Awaitable[None]]


async def no_sync() -> None:
    """For a database in memory: there is no disk to wait for, but others shall have their turn."""
    await asyncio.sleep(0)


class SQLiteStore:
    """Implements ports.Store. `ballast` bytes are kept for a full disk; without, one stops the hall. `sync` replaces
    the waiting for the disk, for simulations."""

    def __init__(self, path: str = ":memory:", sync: Sync | None = None, ballast: int = 0) -> None:
        self.path = path
        self.durability = "none" if path == ":memory:" else "fsync"
        self.ballast = Ballast(Path(path), ballast)
        self._room: Room | None = None
        self._sync = sync or no_sync
        self._wal: Wal | None = None
        self._lock: int | None = None
        self._db: apsw.Connection | None = None
        self._searches: Searches | None = None
        self.is_damaged = False  # it has met damage since it was opened
        self._quiet = asyncio.Lock()  # held while something is committed and not yet durable, or looked at

    @property
    def db(self) -> apsw.Connection:
        """The writing connection, shared with nobody."""
        assert self._db is not None, "open() comes first"
        return self._db

    @property
    def syncs(self) -> tuple[int, float]:
        """How often a batch has waited for the disk, and for how many seconds."""
        return (0, 0.0) if self._wal is None else (self._wal.sync_count, self._wal.sync_seconds)

    @property
    def is_full(self) -> bool:
        """Whether submits of new jobs are refused for want of space."""
        return self._room is not None and self._room.refusal is not None

    async def open(self) -> None:
        """Open or create the database and bring it up to date; refuse a newer schema, another hall's file, an SQLite
        with a known bug."""
        if apsw.SQLITE_VERSION_NUMBER < OLDEST_SQLITE:
            raise Unavailable(f"SQLite {apsw.sqlite_lib_version()} can corrupt its log: install apsw 3.51.3 or newer")
        if self.path != ":memory:":
            self._lock = lock(Path(self.path))
        try:
            await self._open_at_last()
        except apsw.Error as exc:
            await self.close()
            if is_full(exc):
                raise Unavailable(f"no space left to open {self.path}: free some and try again") from exc
            if isinstance(exc, apsw.IOError) and not is_damage(exc):
                raise StoreBroken(f"cannot open {self.path}: {exc}; look after its disk, then start again") from exc
            raise Unavailable(
                f"cannot open {self.path}: {exc}; restore it from a backup or name another --data"
            ) from exc
        except OSError as exc:
            await self.close()
            raise StoreBroken(f"cannot open {self.path}: {exc}; look after its disk, then start again") from exc
        except HallError:
            await self.close()
            raise

    async def _open_at_last(self) -> None:
        """On a full disk with what the ballast gives back: whoever was given a job may want to answer it."""
        try:
            await self._open_database()
        except apsw.Error as exc:  # a file that could not be made may be a full disk, too
            if not (is_full(exc) or isinstance(exc, apsw.CantOpenError)) or not self.ballast.give_up():
                raise
            self._let_go()
            await self._open_database()
        self._room, self._aside = Room(self.ballast, self.db, self._shorten_log), Aside(self.db)
        self._results = Results(self.db)
        if self.path != ":memory:":
            await self._room.open()

    async def _open_database(self) -> None:
        if self.path != ":memory:":
            refuse_a_stump(Path(self.path))
        self._db = connect(self.path)
        self._db.set_busy_timeout(BUSY_MS)  # someone may look into the file with another program
        # what a statement needs to be taken back is kept in memory: it is at most what one batch changes
        for name, value in (
            ("synchronous", "normal"),
            ("wal_autocheckpoint", 0),
            ("cache_size", -20_000),
            ("temp_store", 2),
        ):
            self._db.pragma(name, value)
        version = check_schema(self._db, self.path)  # before a byte of it is changed
        if self.path != ":memory:":
            sqlite_pages.prepare(self._db, self.path, is_new=version == 0)
            lost = lost_commits(Path(self.path), self._db.pragma("page_size"))
        if self.path != ":memory:" and self._db.pragma("journal_mode", "wal") != "wal":
            raise Unavailable(f"cannot keep a write-ahead log beside {self.path}: is it on a network file system?")
        self._prepare_schema()
        if self.path != ":memory:":
            if lost:
                note_lost(self._db, lost)
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
        db = connect(self.path, apsw.SQLITE_OPEN_READONLY)
        db.set_busy_timeout(BUSY_MS)
        db.pragma("cache_size", -4_000)
        return Searches(db, self._quiet, is_shared=False)

    async def recover(self) -> Recovered:
        """Ready counts come from `counts`; running jobs from their own small index."""
        with self._errors_named():
            return self._recovered()

    def _recovered(self) -> Recovered:
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
        last_id = max(meta["last_id"], self._last_id())
        return Recovered(meta["database"], last_id, lanes, running, self._first_wake(), queues, read_tokens(self.db))

    def _last_id(self) -> int:
        try:
            return int(self.db.execute("SELECT coalesce(max(id), 0) FROM jobs").get)
        except apsw.Error as exc:
            if not is_damage(exc):
                raise
            self.is_damaged = True
            return self._aside.last_id()

    def _first_wake(self) -> int | None:
        try:
            return next_wake(self.db, 0)
        except apsw.Error as exc:
            if not is_damage(exc):
                raise
            self.is_damaged = self._aside.leave_sweeps()
            return None

    def _running(self) -> list[Claimed]:
        try:
            return [claimed(row) for row in self.db.execute(CLAIMED_RUNNING)]
        except apsw.Error as exc:
            if not is_damage(exc):
                raise
            self.is_damaged = True
            return [claimed(self.db.execute(CLAIMED_ONE, (job,)).get) for job in self._aside.running()]

    async def apply(self, batch: Batch) -> None:
        """One transaction, then the disk."""
        try:
            async with self._quiet:
                await self._carry_out(batch)
                await self._sync()
        except (apsw.Error, OSError) as exc:
            self._leave_the_log()
            if isinstance(exc, apsw.Error) and is_full(exc):
                raise StorageFull(f"no space left for {self.path}: free some and try again") from exc
            if is_damage(exc):
                raise StoreBroken(f"{self.path} is damaged where it holds many jobs together: {exc}; {REMEDY}") from exc
            raise StoreBroken(f"cannot write {self.path}: {exc}") from exc

    async def _carry_out(self, batch: Batch) -> None:
        """On a full disk once more in the ballast's room, without what would only fill it; on a damaged one once more
        without the jobs that cannot be read."""
        room = self._room
        assert room is not None, "open() comes first"
        room.look(batch.bytes)
        if room.refusal is not None:
            await self._empty_log()  # so that the log's own blocks are used again
        while True:
            try:
                carry_out(self.db, batch, room.refusal, self._aside, self._results)
            except apsw.Error as exc:
                self.is_damaged = self.is_damaged or is_damage(exc)
                if not (is_full(exc) and room.make()) and not (is_damage(exc) and self._aside.take(batch)):
                    raise
                if is_full(exc):
                    await self._empty_log()
                await asyncio.sleep(0)  # there may be many to set aside, one by one
                batch.forget_answers()
            else:
                return

    async def _shorten_log(self) -> None:
        async with self._quiet:
            if self._wal is not None:
                await self._wal.truncate()

    async def _empty_log(self) -> None:
        if self._wal is not None:
            await self._wal.empty()

    def _leave_the_log(self) -> None:
        """After an error nobody knows what of the log is on the disk: closing must not copy from it into the file."""
        if self._db is not None:
            self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)

    async def read(self, query: Query[T]) -> T:
        """On the writing connection between two batches, when all that is committed is durable; a search on its own."""
        with self._errors_named():
            if isinstance(query, Search):
                assert self._searches is not None, "open() comes first"
                found = await self._searches.run(query)
                self.is_damaged = self.is_damaged or self._searches.met_damage
                return cast(T, found)
            async with self._quiet:
                return answer(self.db, query)

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        """What SQLite raises while it reads, as what a hall knows."""
        try:
            yield
        except Damaged:
            self.is_damaged = True
            raise
        except (apsw.Error, OSError) as exc:
            if is_damage(exc):
                self.is_damaged = True
                raise Damaged(f"{self.path} is damaged: {REMEDY}") from exc
            self._leave_the_log()
            raise StoreBroken(f"cannot read {self.path}: {exc}") from exc

    async def close(self) -> None:
        """Sync threads first, then the connections, then the lock."""
        if self._room is not None:
            self._room.close()
        self._let_go()
        if self._lock is not None:
            os.close(self._lock)
        self._lock = None

    def _let_go(self) -> None:
        if self._wal is not None:
            self._wal.close()
        if self._searches is not None:
            self._searches.close()
        if self._db is not None:
            self._db.close()
        self._wal = self._searches = self._db = None


CLAIMED = (
    "SELECT id, lane, kind, queue, payload, attempt, forgiven, max_attempts, follow, rules, holder, lease_seconds"
    " FROM jobs"
)
CLAIMED_RUNNING, CLAIMED_ONE = f"{CLAIMED} WHERE state = {int(State.RUNNING)}", f"{CLAIMED} WHERE id = ?"
