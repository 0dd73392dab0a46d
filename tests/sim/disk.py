"""The disk of the simulated machine, and the production store on it.

What was committed but not yet synced is forgotten by a power cut and survives a kill; what was synced survives both.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict
from functools import lru_cache
from typing import Any

import apsw
import msgspec

from hirehall.model import QueueSettings
from hirehall.stores.sqlite import SQLiteStore

NAMES = (
    "id", "state", "attempt", "forgiven", "max_attempts", "holder", "lost", "lane", "place", "result", "payload", "key",
    "queue", "expires_at", "history", "follow", "rules",
)  # fmt: skip
DUMP = f"SELECT {', '.join(NAMES)} FROM jobs"


Queues = defaultdict[str, QueueSettings]


class Disk:
    """What a restart finds. `synced` is what a reply may lean on."""

    def __init__(self) -> None:
        self.image = b""

    def keep(self, db: apsw.Connection) -> None:
        """The database as it is now is on the disk."""
        self.image = db.serialize("main")


class SimStore(SQLiteStore):
    """The production store in memory, with a seeded disk in place of the real one."""

    def __init__(self, disk: Disk, rng: random.Random, boundary: Any, committed: Any) -> None:
        super().__init__(sync=self._seeded_sync)
        self.applying = False
        self._disk = disk
        self._rng = rng
        self._boundary = boundary
        self._committed = committed

    def _prepare_schema(self) -> None:
        if self._disk.image:
            self.db.deserialize("main", self._disk.image)
        super()._prepare_schema()
        if not self._disk.image:
            self.db.execute("UPDATE meta SET value = 7 WHERE name = 'database'")
            self._disk.keep(self.db)

    async def apply(self, batch: Any) -> None:
        self._boundary("before commit")
        self.applying = True
        await super().apply(batch)
        self.applying = False  # the hall settles in this very step

    async def _seeded_sync(self) -> None:
        self._boundary("after commit, before sync")
        await asyncio.sleep(self._rng.choice((0.0001, 0.001, 0.01, 0.2)))
        self._disk.keep(self.db)
        self._committed(rows(self.db), settings_of_queues(self.db))
        self._boundary("after sync, before replies")


def rows(db: apsw.Connection) -> dict[int, dict[str, Any]]:
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
