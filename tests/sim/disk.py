"""The disk of the simulated machine, and the production store on it.

What was committed but not yet synced is forgotten by a power cut and survives a kill; what was synced survives both.
"""

from __future__ import annotations

import asyncio
import errno
from collections import defaultdict
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import apsw
import msgspec

from hirehall.core.operations import Batch
from hirehall.errors import StorageFull, StoreBroken
from hirehall.model import QueueSettings
from hirehall.ports import Query, T
from hirehall.stores.sqlite import SQLiteStore

if TYPE_CHECKING:
    from tests.sim.world import World

NAMES = (
    "id", "state", "attempt", "forgiven", "max_attempts", "holder", "lost", "lane", "place", "result", "payload", "key",
    "queue", "expires_at", "history", "follow", "rules", "kind", "wake_at",
)  # fmt: skip
DUMP = f"SELECT {', '.join(NAMES)} FROM jobs"
NO_LIMIT = 1 << 30  # pages

Row = dict[str, Any]
Rows = dict[int, Row]
Changed = dict[int, Row | None]  # None: it is gone
Queues = defaultdict[str, QueueSettings]


class Disk:
    """What a restart finds."""

    def __init__(self) -> None:
        self.image = b""
        self.is_full = False

    def keep(self, db: apsw.Connection) -> None:
        """The database as it is now is on the disk."""
        self.image = db.serialize("main")


class SimStore(SQLiteStore):
    """The production store in memory, with a seeded disk in place of the real one.

    The disk's image is made only when it is needed: before a commit that may be forgotten, and at the end.
    """

    def __init__(self, world: World) -> None:
        super().__init__(sync=self._seeded_sync)
        self.world = world
        self.applying = False
        self.unsynced = False  # something is committed that a power cut would forget
        self.harmed = False  # it was made to fail, so that the hall must stop
        self._batch: Batch | None = None
        self._touched: set[int] = set()

    def _prepare_schema(self) -> None:
        disk = self.world.disk
        if disk.image:
            self.db.deserialize("main", disk.image)
        else:
            self.world.count("began with nothing")
        super()._prepare_schema()
        if not disk.image:
            self.db.execute("UPDATE meta SET value = 7 WHERE name = 'database'")
        self.db.set_update_hook(self._note)
        self.feel_disk()

    @property
    def is_open(self) -> bool:
        return self._db is not None

    def _note(self, kind: int, database: str, table: str, number: int) -> None:
        if table == "jobs":
            self._touched.add(number)

    def feel_disk(self) -> None:
        """Let the database grow, or not any more."""
        if self._db is not None:
            pages = self.db.pragma("page_count") if self.world.disk.is_full else NO_LIMIT
            self.db.pragma("max_page_count", pages)

    def leave(self, forgets: bool) -> None:
        """Nobody writes any more; `forgets` when the machine does not remember what was not synced."""
        if self._db is not None and not (self.unsynced and forgets) and not self.db.in_transaction:
            self.world.disk.keep(self.db)

    async def apply(self, batch: Batch) -> None:
        world = self.world
        world.boundary("before commit")
        if world.chance("refuse"):
            self._fail("store failed before commit")
            raise StoreBroken("simulated: nothing was written")
        if world.faults.may_kill:
            world.disk.keep(self.db)
        self.applying = self.unsynced = True
        self._batch = batch
        try:
            await super().apply(batch)
        except StorageFull:
            self._fail("storage full")
            self.unsynced = False
            raise
        self.applying = False  # the hall settles in this very step

    def _fail(self, how: str) -> None:
        self.harmed = True
        self.world.count(how)

    async def _seeded_sync(self) -> None:
        world = self.world
        world.boundary("after commit, before sync")
        if world.chance("betray"):
            self._fail("store failed after commit")
            self.unsynced = world.dice.random() < 0.5
            raise OSError(errno.EIO, "simulated: committed, and an error came back")
        slow = world.chance("slow")
        if slow:
            world.count("slow sync")
        await asyncio.sleep(world.dice.choice((1.0, 3.0, 6.0) if slow else (0.0001, 0.001, 0.01, 0.2)))
        self.unsynced = False
        assert self._batch is not None
        world.committed(self._changed(), settings_of_queues(self.db), self._batch.now)
        world.boundary("after sync, before replies")

    def _changed(self) -> Changed:
        """The rows that this commit touched, as they are now."""
        touched, self._touched = sorted(self._touched), set()
        return {number: self._row(number) for number in touched}

    def _row(self, number: int) -> Row | None:
        found = self.db.execute(f"{DUMP} WHERE id = ?", (number,)).fetchone()
        return None if found is None else dict(zip(NAMES, found, strict=True))

    async def read(self, query: Query[T]) -> T:
        if self.world.chance("unread"):
            self._fail("store failed in a read")
            raise StoreBroken("simulated: cannot read")
        return await super().read(query)


def rows(db: apsw.Connection) -> Rows:
    """Every job that is stored, by id."""
    return {row[0]: dict(zip(NAMES, row, strict=True)) for row in db.execute(DUMP)}


def settings_of_queues(db: apsw.Connection) -> Queues:
    """What is set on queues."""
    return defaultdict(QueueSettings, {name: _settings(stored) for name, stored in db.execute("SELECT * FROM queues")})


@lru_cache(maxsize=100)
def _settings(stored: bytes) -> QueueSettings:
    return msgspec.json.decode(stored, type=QueueSettings)


def log_of(db: apsw.Connection, job: int, attempt: int) -> list[str]:
    """The texts of an attempt's log, in their order."""
    query = "SELECT entries FROM logs WHERE job = ? AND attempt = ? ORDER BY at_byte"
    lines = [line for (chunk,) in db.execute(query, (job, attempt)) for line in chunk.split(b"\n")]
    return [msgspec.json.decode(line)["text"] for line in lines]
