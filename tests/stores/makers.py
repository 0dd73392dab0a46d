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


class SQLiteFile(SQLiteMemory):
    """A file on a disk."""

    survives = True

    def __init__(self, directory: Path) -> None:
        self.path = str(directory / "data" / "hall.db")


MAKERS = {"sqlite-file": SQLiteFile, "sqlite-memory": SQLiteMemory}
