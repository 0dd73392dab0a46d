"""What can still be read of a damaged file, copied into a new one that is whole.

Jobs are read in the order of their ids. Where that ends at a damaged page the next id that can be reached is looked
for, and those between are read one by one, as far as indexes name them. Sums are made anew from what was found.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import apsw
from msgspec import Struct

from hirehall.model import State, id_text
from hirehall.stores.sqlite_backup import Progress, put_whole
from hirehall.stores.sqlite_damage import NAMED
from hirehall.stores.sqlite_file import lock, reading
from hirehall.stores.sqlite_pages import RESERVED_BYTES, connect, has_checksums, is_damage
from hirehall.stores.sqlite_upgrade import upgrade

LARGEST_ID = (1 << 63) - 1
SHOWN_EVERY = 4_096  # jobs between two looks at the clock and at Ctrl-C
BESIDE = ("logs", "gates", "tags", "files")  # what stands beside a job, and the column that names it
JOB_OF = {"logs": "job", "gates": "id", "tags": "id", "files": "job"}
OTHERS = {
    "meta": "name", "lanes": "lane", "queues": "name", "tokens": "name", "parents": "parent, child",
    "ended_parents": "parent", "blobs": "sha256",
}  # fmt: skip
SCHEDULED, BLOCKED = int(State.SCHEDULED), int(State.BLOCKED)
AGAIN = (
    f"UPDATE jobs SET state = {SCHEDULED}, wake_at = 1 WHERE state = {BLOCKED} AND id IN (SELECT id FROM gates AS one"
    " WHERE stage = 1 AND lock IS NOT NULL AND NOT EXISTS (SELECT 1 FROM gates AS held"
    " WHERE held.queue = one.queue AND held.lock = one.lock AND held.stage = 2))"
)
SETTLE = (
    "DELETE FROM logs WHERE job NOT IN (SELECT id FROM jobs)",
    "DELETE FROM gates WHERE id NOT IN (SELECT id FROM jobs)",
    "DELETE FROM tags WHERE id NOT IN (SELECT id FROM jobs)",
    "DELETE FROM parents WHERE child NOT IN (SELECT id FROM jobs)",
    # Who waits for a lock whose holder is lost asks for it again, with the first sweep.
    AGAIN,
    f"UPDATE gates SET stage = 0 WHERE id IN (SELECT id FROM jobs WHERE state = {SCHEDULED})",
    "DELETE FROM files WHERE job NOT IN (SELECT id FROM jobs) OR sha256 NOT IN (SELECT sha256 FROM blobs)",
    "DELETE FROM blobs WHERE sha256 NOT IN (SELECT sha256 FROM files)",
    "UPDATE blobs SET refs = (SELECT count(*) FROM files WHERE files.sha256 = blobs.sha256)",
    "INSERT INTO kept SELECT owner, sum(bytes) FROM files GROUP BY owner",
    "INSERT INTO counts SELECT lane, state, count(*) FROM jobs GROUP BY lane, state",
    "UPDATE meta SET value = max(value, (SELECT coalesce(max(id), 0) FROM jobs)) WHERE name = 'last_id'",
)


class Salvaged(Struct, frozen=True):
    """A file to `restore`. `lost` jobs could not be read; `lost_ids` are those of them that are known by name;
    `incomplete` are tables beside the jobs of which rows may be missing."""

    file: str
    bytes: int
    jobs: int
    lost: int
    lost_ids: list[str]
    incomplete: list[str]


def salvage(database: Path, file: Path, progress: Progress, *, force: bool = False) -> Salvaged:
    """Copy what can be read of `database`, whose hall must have stopped: damage ends a transaction, and what is read in
    several would not fit together. Raises HallError."""
    with _stopped(database), reading(database) as source, put_whole(database, file, force=force) as fresh:
        target = _empty(fresh)
        try:
            with target:
                rescue = _Rescue(source, target, progress)
                rescue.run()
        finally:
            target.close()
    ids = [id_text(job) for job in sorted(rescue.lost)]
    return Salvaged(str(file), file.stat().st_size, rescue.jobs, rescue.missing, ids, sorted(rescue.incomplete))


@contextmanager
def _stopped(database: Path) -> Iterator[None]:
    held = lock(database)
    try:
        yield
    finally:
        os.close(held)


def _empty(path: Path) -> apsw.Connection:
    db = connect(str(path))
    db.pragma("synchronous", "off")  # it is synced once, when it is whole
    if has_checksums():
        db.reserve_bytes(reserve=RESERVED_BYTES)
    upgrade(db)
    return db


class _Rescue:
    def __init__(self, source: apsw.Connection, target: apsw.Connection, progress: Progress) -> None:
        self.source, self.target, self._progress = source, target, progress
        self.jobs, self.missing = 0, 0
        self.lost: set[int] = set()
        self.incomplete: set[str] = set()
        self._expected: int | None = None

    def run(self) -> None:
        """Everything, table by table."""
        self._expected = self._sum()
        for table, order in OTHERS.items():
            if self._has(table):
                self._both_ways(table, order)
        self._copy_jobs()
        for table in BESIDE:
            if self._has(table):
                self._beside(table)
        orphans = "SELECT id FROM jobs WHERE lane NOT IN (SELECT lane FROM lanes)"
        self.lost.update(job for (job,) in self.target.execute(orphans))
        self.target.execute(f"DELETE FROM jobs WHERE id IN ({orphans})")
        for step in SETTLE:
            self.target.execute(step)
        self.jobs = int(self.target.execute("SELECT count(*) FROM jobs").get)
        self.missing = max(len(self.lost), (self._expected or 0) - self.jobs)

    def _sum(self) -> int | None:
        try:
            return int(self.source.execute("SELECT coalesce(sum(jobs), 0) FROM counts").get)
        except apsw.Error as exc:
            _only_damage(exc)
            return None

    def _has(self, table: str) -> bool:
        """An older file lacks what came later."""
        return bool(self.source.execute("SELECT count(*) FROM sqlite_schema WHERE name = ?", (table,)).get)

    def _put(self, table: str, row: tuple[Any, ...]) -> None:
        places = ", ".join("?" * len(row))
        self.target.execute(f"INSERT OR REPLACE INTO {table} VALUES ({places})", row)

    def _stream(self, table: str, query: str, values: tuple[Any, ...] = ()) -> tuple[int, bool]:
        """Copy until the end, or until damage: the first column of the last row, and whether it was the end."""
        last = -1
        try:
            for row in self.source.execute(query, values):
                self._put(table, row)
                last = row[0]
                if table == "jobs":
                    self._count()
        except apsw.Error as exc:
            _only_damage(exc)
            return last, False
        return last, True

    def _count(self) -> None:
        self.jobs += 1
        if self.jobs % SHOWN_EVERY == 0:
            self._progress(self.jobs, max(self.jobs, self._expected or 0))

    def _both_ways(self, table: str, order: str) -> None:
        if self._stream(table, f"SELECT * FROM {table} ORDER BY {order}")[1]:
            return
        self.incomplete.add(table)
        backwards = ", ".join(f"{column} DESC" for column in order.split(", "))
        self._stream(table, f"SELECT * FROM {table} ORDER BY {backwards}")

    def _beside(self, table: str) -> None:
        if self._stream(table, f"SELECT * FROM {table} NOT INDEXED")[1]:
            return
        self.incomplete.add(table)
        for (job,) in self.target.execute("SELECT id FROM jobs").fetchall():
            self._stream(table, f"SELECT * FROM {table} WHERE {JOB_OF[table]} = ?", (job,))

    def _copy_jobs(self) -> None:
        after = -1
        while after < LARGEST_ID:
            last, is_end = self._stream("jobs", "SELECT * FROM jobs NOT INDEXED WHERE id > ? ORDER BY id", (after,))
            if is_end:
                return
            after = max(after, last)
            reached = self._next_id(after)
            for job in self._named(after, reached):
                self._one(job)
            if reached < LARGEST_ID:
                self._one(reached)
            after = reached

    def _one(self, job: int) -> None:
        if not self._stream("jobs", "SELECT * FROM jobs NOT INDEXED WHERE id = ?", (job,))[1]:
            self.lost.add(job)

    def _next_id(self, after: int) -> int:
        """The next id whose page can be reached, LARGEST_ID when there is none."""
        low, step = after + 1, 1
        found = self._reached(low)
        while found is None and low < LARGEST_ID:
            low, step = min(low + step, LARGEST_ID), step * 2
            found = self._reached(low)
        unreached = low - step // 2
        while found is not None and low - unreached > 1:  # back to the beginning of that page
            middle = (low + unreached) // 2
            nearer = self._reached(middle)
            low, unreached = (low, middle) if nearer is None else (middle, unreached)
            found = found if nearer is None else nearer
        return LARGEST_ID if found is None else found

    def _reached(self, least: int) -> int | None:
        try:
            found = self.source.execute(
                "SELECT id FROM jobs NOT INDEXED WHERE id >= ? ORDER BY id LIMIT 1", (least,)
            ).fetchone()
        except apsw.Error as exc:
            _only_damage(exc)
            return None
        return LARGEST_ID if found is None else int(found[0])

    def _named(self, after: int, before: int) -> Iterator[int]:
        """Ids between these that are known from elsewhere."""
        found: set[int] = set()
        for query in NAMED:
            try:
                found.update(job for (job,) in self.source.execute(query, (after, before)))
            except apsw.Error as exc:
                _only_damage(exc)
        return iter(sorted(found))


def _only_damage(error: apsw.Error) -> None:
    if not is_damage(error):
        raise error
