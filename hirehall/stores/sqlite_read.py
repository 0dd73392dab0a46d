"""Reading out of SQLite: a function for each query, found by its type. `Search` has its own file."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import apsw

from hirehall.core.operations import Claimed
from hirehall.errors import Damaged, TooLarge
from hirehall.model import Scope, State, StoredJob, id_created_ms, id_text, read_rules
from hirehall.ports import (
    ByIds,
    Count,
    Counts,
    FilesOf,
    Footprint,
    LockHolders,
    LogRead,
    LogText,
    OldestOf,
    OldestReady,
    Parents,
    Query,
    Relation,
    Sizes,
    T,
    Unnamed,
)
from hirehall.stores.sqlite_files import files_of, shown_files, unnamed
from hirehall.stores.sqlite_pages import is_damage

COLUMNS = (
    "id", "kind", "queue", "state", "payload", "attempt", "forgiven", "max_attempts", "priority", "share", "requires",
    "owner", "key", "holder", "worker", "wake_at", "expires_at", "started_at", "finished_at", "keep_ms", "rules",
    "progress", "fault", "history", "result",
)  # fmt: skip
LARGEST_NUMBER = (1 << 63) - 1
IN_BOTH = {"kind": "jobs.kind", "queue": "jobs.queue"}  # lanes has these too
PAGED = dict.fromkeys(("payload", "result", "history"), "NULL")  # what a page of jobs leaves out
SMALL = PAGED | dict.fromkeys(("fault", "progress"), "NULL")
FIELDS_BYTES = 768  # of a job's answer: the names of its fields, its times and numbers


def _select(special: dict[str, str]) -> str:
    names = ", ".join(special.get(column, column) for column in COLUMNS)
    return f"SELECT {names} FROM"


FOR_PAGE = _select(IN_BOTH | PAGED)  # what it is FROM follows
SELECT = f"{_select(IN_BOTH)} jobs JOIN lanes USING (lane)"
SELECT_SMALL = f"{_select(IN_BOTH | SMALL)} jobs JOIN lanes USING (lane)"
STATE_AT, RULES_AT, OWNER_AT, QUEUE_AT = map(COLUMNS.index, ("state", "rules", "owner", "queue"))


def _by_ids(db: apsw.Connection, query: ByIds) -> list[StoredJob]:
    """Ids that do not exist are simply missing."""
    rows: list[tuple[Any, ...]] = []
    size = 0
    select = SELECT if query.bodies else SELECT_SMALL
    for job in query.ids:
        row = _row(db, f"{select} WHERE id = ?", job)
        if row is None or not query.scope.allows(row[OWNER_AT], row[QUEUE_AT]):
            continue
        size += row_bytes(row) if query.bodies else 0
        if rows and size > query.max_bytes:
            raise TooLarge(f"these jobs hold more than {query.max_bytes} bytes together: ask for fewer at once")
        rows.append(row)
    found = [stored(row) for row in rows]
    for one in found:
        if one.rules.has_files and query.bodies:
            one.files = shown_files(db, one.id, one.state, one.attempt)
    return found


def _row(db: apsw.Connection, select: str, job: int) -> tuple[Any, ...] | None:
    try:
        found: tuple[Any, ...] | None = db.execute(select, (job,)).fetchone()
    except apsw.Error as exc:
        if is_damage(exc):
            raise Damaged(
                f"job {id_text(job)} cannot be read: the hall's disk is damaged there; restore it from a backup, or"
                " submit it anew"
            ) from exc
        raise
    return found


def row_bytes(row: tuple[Any, ...]) -> int:
    """About what a row of `COLUMNS` takes in an answer."""
    return FIELDS_BYTES + sum(len(value) for value in row if isinstance(value, bytes | str))


def any_of(column: str, queues: frozenset[str] | None) -> tuple[str, tuple[str, ...]]:
    """The condition that `column` is one of `queues`, and its values."""
    if queues is None:
        return "1", ()
    return f"{column} IN ({', '.join('?' * len(queues))})", tuple(sorted(queues))


def _counts(db: apsw.Connection, query: Counts) -> list[Count]:
    allowed, names = any_of("queue", query.queues)
    rows = db.execute(
        "SELECT queue, kind, state, sum(jobs) FROM counts JOIN lanes USING (lane)"
        f" WHERE jobs <> 0 AND queue = coalesce(?, queue) AND kind = coalesce(?, kind) AND {allowed}"
        " GROUP BY queue, kind, state",
        (query.queue, query.kind, *names),
    )
    return [Count(queue, kind, State(state), jobs) for queue, kind, state, jobs in rows]


def _oldest_ready(db: apsw.Connection, query: OldestReady) -> dict[str, int]:
    """One look into the index for each lane that has ready jobs, at the job whose turn is next."""
    rows = db.execute(OLDEST_READY)
    return {queue: id_created_ms(job) for queue, job in rows if job is not None}


OLDEST_READY = (
    "SELECT queue, min((SELECT id FROM jobs WHERE jobs.lane = counts.lane AND jobs.state = 2 ORDER BY place LIMIT 1))"
    " FROM counts JOIN lanes USING (lane) WHERE counts.state = 2 AND counts.jobs > 0 GROUP BY queue"
)


def _oldest_of(db: apsw.Connection, query: OldestOf) -> dict[int, int]:
    found = ((lane, db.execute(NEXT_READY, (lane,)).fetchone()) for lane in query.lanes)
    return {lane: id_created_ms(row[0]) for lane, row in found if row is not None}


NEXT_READY = "SELECT id FROM jobs WHERE lane = ? AND state = 2 ORDER BY place LIMIT 1"


def _parents(db: apsw.Connection, query: Parents) -> list[Relation]:
    row = db.execute("SELECT rules FROM jobs WHERE id = ?", (query.job,)).fetchone()
    return [_parent(db, job, query.scope) for job in (read_rules(row[0]).after if row else None) or []]


def _parent(db: apsw.Connection, job: int, scope: Scope) -> Relation:
    row = db.execute("SELECT state, owner, queue FROM jobs WHERE id = ?", (job,)).fetchone()
    return (job, None, True) if row is None else (job, State(row[0]), scope.allows(row[1], row[2]))


def _lock_holders(db: apsw.Connection, query: LockHolders) -> list[tuple[int, bool]]:
    rows = db.execute(
        "SELECT id, owner, jobs.queue FROM gates JOIN jobs USING (id)"
        " WHERE gates.queue = ? AND lock = ? AND stage = 2 ORDER BY gates.priority DESC, id",
        (query.queue, query.lock),
    )
    return [(job, query.scope.allows(owner, queue)) for job, owner, queue in rows]


def _log(db: apsw.Connection, query: LogRead) -> LogText:
    row = db.execute("SELECT attempt FROM jobs WHERE id = ?", (query.job,)).fetchone()
    latest = row[0] if row else 0
    attempt = latest if query.attempt is None else query.attempt
    entries: list[bytes] = []
    end, size = query.offset, 0
    key = (query.job, _storable(attempt))
    for at_byte, chunk in db.execute(LOG_FROM, (*key, *key, _storable(query.offset))):
        length = len(chunk) + 1  # the line break behind its last entry is not stored
        if at_byte + length <= query.offset:
            continue
        size += length
        if entries and size > query.max_bytes:
            break
        entries += chunk.split(b"\n")
        end = at_byte + length
    return LogText(attempt, entries, end, latest)


def _storable(number: int) -> int:
    """The nearest number that SQLite can hold: no larger one was ever stored."""
    return max(-1, min(number, LARGEST_NUMBER))


LOG_FROM = (
    "SELECT at_byte, entries FROM logs WHERE job = ? AND attempt = ? AND at_byte >= coalesce("
    "(SELECT max(at_byte) FROM logs WHERE job = ? AND attempt = ? AND at_byte <= ?), 0) ORDER BY at_byte"
)


def _footprint(db: apsw.Connection, query: Footprint) -> Sizes:
    if not db.filename:
        return Sizes(db.pragma("page_count") * db.pragma("page_size"))
    disk = os.statvfs(Path(db.filename).parent)
    database, log, ballast = (_size(f"{db.filename}{end}") for end in ("", "-wal", ".ballast"))
    return Sizes(database, log, ballast, disk.f_bavail * disk.f_frsize)


def _size(path: str) -> int:
    return Path(path).stat().st_size if Path(path).exists() else 0


ANSWERS: dict[type[Query[Any]], Callable[[apsw.Connection, Any], Any]] = {
    ByIds: _by_ids,
    Counts: _counts,
    OldestReady: _oldest_ready,
    OldestOf: _oldest_of,
    Parents: _parents,
    LockHolders: _lock_holders,
    LogRead: _log,
    Footprint: _footprint,
    FilesOf: files_of,
    Unnamed: unnamed,
}


def answer(db: apsw.Connection, query: Query[T]) -> T:
    """What `query` asks for, read in one go."""
    found: T = ANSWERS[type(query)](db, query)
    return found


def stored(row: tuple[Any, ...]) -> StoredJob:
    """A row of `COLUMNS`."""
    values = dict(zip(COLUMNS, row, strict=True))
    values["state"] = State(row[STATE_AT])
    values["rules"] = read_rules(row[RULES_AT])
    return StoredJob(**values)


def claimed(row: tuple[Any, ...]) -> Claimed:
    """A row of the twelve columns that `Claimed` names, in its order."""
    return Claimed(*row)
