"""The stores that the conformance suite runs against. A new one joins with a class and a row in `MAKERS`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import apsw

from hirehall.model import FINAL
from hirehall.ports import Store
from hirehall.stores.ballast import Ballast
from hirehall.stores.sqlite import SQLiteStore


class Broken(Exception):
    """What an injected fault raises."""


class StoreMaker(Protocol):
    """Makes one store again and again, and looks where the public calls of a store cannot."""

    survives: bool  # what was applied is there after close and open

    def make(self) -> Store:
        """The store, not open; a second one works on the same jobs."""

    def counted(self, store: Store) -> Counter[tuple[int, int]]:
        """Jobs by (lane, state), as the store adds them up."""

    def real(self, store: Store) -> Counter[tuple[int, int]]:
        """Jobs by (lane, state), as one finds by looking at every job."""

    def declared(self, store: Store) -> set[int]:
        """The lanes whose meaning the store remembers."""

    def leftovers(self, store: Store) -> list[tuple[str, int]]:
        """What stands beside jobs that are gone, and gates of jobs that have ended: where, and the job."""

    def fault(self, store: Store, statement: int) -> Iterator[list[str]]:
        """Context: statement number `statement`, from 1, raises. Yields a list that holds it once it did."""

    def outdate(self, store: Store) -> None:
        """Make the stored data look as if a newer hall had written it."""

    def fill(self, store: Store, spare: int) -> None:
        """Its disk is full, but for a ballast of `spare` KiB."""

    def free(self, store: Store) -> None:
        """There is space on its disk again."""


class Pages(Ballast):
    """Pages that a database may have more, in place of a file on a full disk."""

    def __init__(self, db: apsw.Connection, spare: int) -> None:
        super().__init__(Path("full"), 0)
        self.is_full = True
        self._db, self._spare = db, spare
        self._allow(db.pragma("page_count"))

    def give_up(self) -> bool:
        spare, self._spare = self._spare, 0
        self._allow(self._db.pragma("page_count") + spare)
        return spare > 0

    def has_room(self, db: apsw.Connection) -> bool:
        return not self.is_full

    def prepare(self) -> bool:
        return True

    def free(self) -> None:
        self.is_full = False
        self._allow(1 << 30)

    def _allow(self, pages: int) -> None:
        self._db.pragma("max_page_count", pages)


class SQLiteMemory:
    """`:memory:`."""

    survives = False

    def __init__(self, directory: Path) -> None:
        self.path = ":memory:"

    def make(self) -> SQLiteStore:
        return SQLiteStore(self.path)

    def counted(self, store: SQLiteStore) -> Counter[tuple[int, int]]:
        rows = store.db.execute("SELECT lane, state, jobs FROM counts WHERE jobs <> 0")
        return Counter({(lane, state): jobs for lane, state, jobs in rows})

    def real(self, store: SQLiteStore) -> Counter[tuple[int, int]]:
        rows = store.db.execute("SELECT lane, state, count(*) FROM jobs GROUP BY lane, state")
        return Counter({(lane, state): jobs for lane, state, jobs in rows})

    def declared(self, store: SQLiteStore) -> set[int]:
        return {lane for (lane,) in store.db.execute("SELECT lane FROM lanes")}

    def leftovers(self, store: SQLiteStore) -> list[tuple[str, int]]:
        final = ", ".join(str(int(state)) for state in FINAL)
        queries = {
            "gates": f"SELECT id FROM gates WHERE id NOT IN (SELECT id FROM jobs WHERE state NOT IN ({final}))",
            "parents": "SELECT child FROM parents WHERE child NOT IN (SELECT id FROM gates)",
            "tags": "SELECT id FROM tags WHERE id NOT IN (SELECT id FROM jobs)",
            "files": "SELECT job FROM files WHERE job NOT IN (SELECT id FROM jobs)",
            "blobs without their true number of files": "SELECT 0 FROM blobs WHERE refs <> (SELECT count(*) FROM files"
            " WHERE files.sha256 = blobs.sha256)",
            "files without a blob": "SELECT job FROM files WHERE sha256 NOT IN (SELECT sha256 FROM blobs)",
            "sums of files": "SELECT 0 FROM (SELECT owner, sum(bytes) AS bytes FROM files GROUP BY owner) AS real"
            " LEFT JOIN kept USING (owner) WHERE real.bytes <> coalesce(kept.bytes, 0)",
            "logs": "SELECT job FROM logs WHERE job NOT IN (SELECT id FROM jobs)",
        }
        return [(where, job) for where, query in queries.items() for (job,) in store.db.execute(query)]

    @contextmanager
    def fault(self, store: SQLiteStore, statement: int) -> Iterator[list[str]]:
        seen: list[str] = []
        hit: list[str] = []

        def trace(cursor: apsw.Cursor, sql: str, bindings: object) -> bool:
            if sql.startswith("ROLLBACK"):
                return True
            seen.append(sql)
            if len(seen) == statement:
                hit.append(sql)
                raise Broken(sql)
            return True

        store.db.exec_trace = trace
        try:
            yield hit
        finally:
            store.db.exec_trace = None

    def outdate(self, store: SQLiteStore) -> None:
        store.db.pragma("user_version", 1_000)

    def fill(self, store: SQLiteStore, spare: int) -> None:
        store.ballast = store._room.ballast = Pages(store.db, spare * 1024 // store.db.pragma("page_size"))

    def free(self, store: SQLiteStore) -> None:
        store.ballast.free()


class SQLiteFile(SQLiteMemory):
    """A file on a disk."""

    survives = True

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "data" / "hall.db")


MAKERS = {"sqlite-file": SQLiteFile, "sqlite-memory": SQLiteMemory}
