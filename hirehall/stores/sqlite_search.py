"""Searching jobs in SQLite without stopping the event loop.

A search looks at ids from the newest down, in windows of a few milliseconds, and gives the loop its turn between them.
Its ids come from the smallest index that fits: a key, a tag, the running or the failed jobs; else from every job.

It must not see what is committed but not yet synced, nor jobs that move while it looks: it begins a read transaction
on a connection of its own while it holds `quiet`, the lock that a batch holds from its first statement to its sync. A
database in memory has one connection only: there every window holds the lock.

A job that the disk has damaged is passed over. SQLite ends the transaction when it meets one: a new one is begun
behind it.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Iterable
from typing import Any, NamedTuple

import apsw

from hirehall.model import State, StoredJob, first_id
from hirehall.ports import PAGE_BYTES, Found, Search
from hirehall.stores.sqlite_pages import is_damage
from hirehall.stores.sqlite_read import FOR_PAGE, LARGEST_NUMBER, any_of, row_bytes, stored

FIRST_ROWS, MOST_ROWS = 256, 8_192  # that one window looks at
MOST_JOBS = 100  # that one window reads: each takes longer than a hundred that do not fit
WINDOW_SECONDS = 0.002  # a window that took longer is followed by a smaller one
LEAST_SECONDS = 0.01  # for one whose time went by while others looked
QUEUES_AT_ONCE = 256

# The key's job in each queue that has jobs with keys, found by leaps through the index on (queue, key).
KEY_IN_QUEUES = f"""
WITH RECURSIVE names (name) AS (
    SELECT min(queue) FROM jobs WHERE key IS NOT NULL AND queue > ?
    UNION ALL
    SELECT (SELECT min(queue) FROM jobs WHERE key IS NOT NULL AND queue > name) FROM names WHERE name IS NOT NULL
)
SELECT name, (SELECT id FROM jobs WHERE queue = name AND key = ?) FROM names WHERE name IS NOT NULL
LIMIT {QUEUES_AT_ONCE}
"""


class Source(NamedTuple):
    """Where ids come from in order: what to read them from, what to read whole jobs from, and what must hold."""

    ids: str
    jobs: str
    condition: str = "1"
    values: tuple[Any, ...] = ()


EVERY_JOB = Source("jobs", "jobs")
BY_STATE = {
    State.RUNNING: Source("jobs INDEXED BY jobs_running", "jobs INDEXED BY jobs_running", "state = 3"),
    State.FAILED: Source("jobs INDEXED BY jobs_failed", "jobs INDEXED BY jobs_failed", "state = 5"),
}


class Wanted(NamedTuple):
    """A search as SQL: ids from `floor` to just before `before`, from `source`, of which `condition` holds."""

    source: Source
    condition: str
    values: tuple[Any, ...]
    floor: int
    before: int


def wanted(query: Search) -> Wanted:
    """`query` as SQL, with its ids from the smallest index that holds every job of it."""
    given = {
        "jobs.queue = ?": query.queue,
        "jobs.kind = ?": query.kind,
        "jobs.state = ?": query.state,
        "jobs.worker = ?": query.worker,
        "EXISTS (SELECT 1 FROM tags WHERE tags.tag = ? AND tags.id = jobs.id)": query.tag,
    }
    held = {condition: value for condition, value in given.items() if value is not None}
    allowed, names = any_of("jobs.queue", query.queues)
    before = LARGEST_NUMBER if query.before is None else query.before
    if query.created_before_ms is not None:
        before = min(before, first_id(query.created_before_ms, 0))
    floor = 0 if query.created_after_ms is None else min(first_id(query.created_after_ms, 0), LARGEST_NUMBER)
    return Wanted(_source(query), " AND ".join([*held, allowed]), (*held.values(), *names), floor, before)


def _source(query: Search) -> Source:
    if query.tag is not None:
        return Source("tags", "tags CROSS JOIN jobs USING (id)", "tags.tag = ?", (query.tag,))
    return EVERY_JOB if query.state is None else BY_STATE.get(query.state, EVERY_JOB)


class Page:
    """What a search has found: full with `limit` jobs, or with as many as an answer should hold in bytes."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.jobs: list[StoredJob] = []
        self._bytes = 0

    @property
    def is_full(self) -> bool:
        """Whether it must go on in another answer."""
        return len(self.jobs) >= self.limit or self._bytes >= PAGE_BYTES

    def take(self, rows: Iterable[tuple[Any, ...]]) -> int:
        """Add jobs as long as there is room; answers how many."""
        before = len(self.jobs)
        for row in rows:
            self.jobs.append(stored(row))
            self._bytes += row_bytes(row)
            if self.is_full:
                break
        return len(self.jobs) - before


class Searches:
    """Runs one search at a time on `db`, which is the writer's own when `is_shared`."""

    def __init__(self, db: apsw.Connection, quiet: asyncio.Lock, *, is_shared: bool) -> None:
        self._db = db
        self._quiet = quiet
        self._is_shared = is_shared
        self._turn = asyncio.Lock()
        self.met_damage = False  # some were passed over
        self._window: contextlib.AbstractAsyncContextManager[Any] = quiet if is_shared else contextlib.nullcontext()

    async def run(self, query: Search) -> Found:
        """What `query` finds. Its time counts from here, also while others look; but a little it has in any case, so
        that it gets on. Raises apsw.Error."""
        end = time.monotonic() + query.seconds
        async with self._turn, self._snapshot():
            if query.key is not None:
                return await self._by_key(query, query.key)
            return await self._look(query, max(end, time.monotonic() + min(query.seconds, LEAST_SECONDS)))

    def close(self) -> None:
        """Give the connection back."""
        if not self._is_shared:
            self._db.close()

    @contextlib.asynccontextmanager
    async def _snapshot(self) -> AsyncIterator[None]:
        """What is durable now, and nothing else, until the end of this."""
        if self._is_shared:
            yield
            return
        try:
            await self._see()
            yield
        finally:
            with contextlib.suppress(apsw.ConnectionClosedError):  # the hall closed meanwhile
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    async def _see(self) -> None:
        """Begin to see what is durable now."""
        if self._is_shared or self._db.in_transaction:
            return
        async with self._quiet:
            self._db.execute("BEGIN")
            self._db.execute("SELECT 1 FROM meta").fetchall()  # the first read decides what is seen

    async def _look(self, query: Search, end: float) -> Found:
        """Window by window, until there are enough, there are no more, or it is `end`, monotonic seconds."""
        want, page = wanted(query), Page(query.limit)
        rows = FIRST_ROWS
        while True:
            async with self._window:
                began = time.monotonic()
                lowest, is_damaged = self._window_past_damage(want, rows, page)
                now = time.monotonic()
            if is_damaged:
                await self._see()
            if page.is_full:
                return Found(page.jobs, page.jobs[-1].id, None)
            if lowest is None:
                return Found(page.jobs, None, None)
            if now >= end:
                return Found(page.jobs, lowest, lowest)
            want = want._replace(before=lowest)
            is_slow = is_damaged or now - began > WINDOW_SECONDS
            rows = max(rows // 2, 1) if is_slow else min(rows * 2, MOST_ROWS)
            await asyncio.sleep(0)

    def _window_past_damage(self, want: Wanted, rows: int, page: Page) -> tuple[int | None, bool]:
        """Like `_in_window`, and whether it met damage: then it goes on behind what was found, with fewer ids in the
        window, or behind the one that cannot be read."""
        before = len(page.jobs)
        try:
            return self._in_window(want, rows, page), False
        except apsw.Error as exc:
            if not is_damage(exc):
                raise
            self.met_damage = True
        if len(page.jobs) > before:
            return page.jobs[-1].id, True
        return (want.before if rows > 1 else self._behind(want)), True

    def _behind(self, want: Wanted) -> int | None:
        """Just before which id to go on when the first one cannot be read; None: there are no more."""
        if want.source is not EVERY_JOB:  # its ids stand in an index
            return self._in_window(want, 1, Page(0))
        at, step = want.before - 1, 1
        found = self._reached(at)
        if found is not None:
            return found
        while found is None and at >= want.floor:
            at, step = at - step, step * 2
            found = self._reached(at)
        unreached = at + step // 2
        while found is not None and unreached - at > 1:  # back to the end of that page
            middle = (at + unreached) // 2
            nearer = self._reached(middle)
            at, unreached = (at, middle) if nearer is None else (middle, unreached)
            found = found if nearer is None else nearer
        return None if found is None or found < want.floor else found + 1

    def _reached(self, at: int) -> int | None:
        """The id at or below this one, -1 when there is none; None when its page is damaged."""
        try:
            found = self._db.execute("SELECT id FROM jobs NOT INDEXED WHERE id <= ? ORDER BY id DESC LIMIT 1", (at,))
            return int(next(found, (-1,))[0])
        except apsw.Error as exc:
            if not is_damage(exc):
                raise
            return None

    def _in_window(self, want: Wanted, rows: int, page: Page) -> int | None:
        """Add the next jobs among the next `rows` ids; the last id looked at, None when there are no more."""
        source = want.source
        limit = min(page.limit - len(page.jobs), MOST_JOBS)
        ids = f"{source.condition} AND id <= ? AND id >= ?"  # `<` would look at the page behind it
        last = self._db.execute(
            f"SELECT id FROM {source.ids} WHERE {ids} ORDER BY id DESC LIMIT 1 OFFSET ?",
            (*source.values, want.before - 1, want.floor, rows - 1),
        ).fetchone()
        lowest = None if last is None else int(last[0])
        if not limit:
            return lowest
        found = self._db.execute(
            f"{FOR_PAGE} {source.jobs} CROSS JOIN lanes USING (lane) WHERE {ids} AND {want.condition}"
            " ORDER BY id DESC LIMIT ?",
            (*source.values, want.before - 1, want.floor if lowest is None else lowest, *want.values, limit),
        )
        taken = page.take(found)
        return page.jobs[-1].id if taken == limit else lowest

    async def _by_key(self, query: Search, key: str) -> Found:
        """At most one job of each queue. They are few, so all are looked at, whatever the time."""
        want = wanted(query)
        ids = sorted([job async for job in self._with_key(key) if want.floor <= job < want.before], reverse=True)
        page = Page(query.limit)
        for start in range(0, len(ids), MOST_JOBS):
            async with self._window:
                self._take_of(ids[start : start + MOST_JOBS], want, page)
            await self._see()
            if page.is_full:
                return Found(page.jobs, page.jobs[-1].id, None)
            await asyncio.sleep(0)
        return Found(page.jobs, None, None)

    def _take_of(self, ids: list[int], want: Wanted, page: Page) -> None:
        """Those of them that can be read."""
        try:
            page.take(self._of(ids, want).fetchall())
        except apsw.Error as exc:
            if not is_damage(exc):
                raise
            self.met_damage = True
            for one in ids if len(ids) > 1 else []:
                self._take_of([one], want, page)

    def _of(self, ids: list[int], want: Wanted) -> apsw.Cursor:
        named = f"id IN ({', '.join('?' * len(ids))})"
        return self._db.execute(
            f"{FOR_PAGE} jobs CROSS JOIN lanes USING (lane) WHERE {named} AND {want.condition} ORDER BY id DESC",
            (*ids, *want.values),
        )

    async def _with_key(self, key: str) -> AsyncIterator[int]:
        after = ""
        while True:
            async with self._window:
                rows = self._db.execute(KEY_IN_QUEUES, (after, key)).fetchall()
            for _, job in rows:
                if job is not None:
                    yield int(job)
            if len(rows) < QUEUES_AT_ONCE:
                return
            after = str(rows[-1][0])
            await asyncio.sleep(0)
