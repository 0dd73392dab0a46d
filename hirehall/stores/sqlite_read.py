"""Reading jobs out of SQLite."""

from __future__ import annotations

from typing import Any

import apsw
import msgspec

from hirehall.core.operations import Claimed
from hirehall.errors import TooLarge
from hirehall.model import DEFAULT_RULES, Rules, State, StoredJob
from hirehall.ports import ByIds, Page, Query

COLUMNS = (
    "id", "kind", "queue", "state", "payload", "attempt", "forgiven", "max_attempts", "priority", "share", "requires",
    "owner", "key", "holder", "worker", "wake_at", "expires_at", "started_at", "finished_at", "rules", "progress",
    "fault", "history", "result",
)  # fmt: skip
IN_BOTH = {"kind": "jobs.kind", "queue": "jobs.queue"}  # lanes has these too
LEFT_OUT = {"payload": "x'6e756c6c'", "result": "NULL"}  # a page of jobs shows none of the large things


def _select(special: dict[str, str]) -> str:
    names = ", ".join(special.get(column, column) for column in COLUMNS)
    return f"SELECT {names} FROM jobs JOIN lanes USING (lane)"


SELECT, SELECT_PAGE = _select(IN_BOTH), _select(IN_BOTH | LEFT_OUT)
STATE_AT, RULES_AT, OWNER_AT, QUEUE_AT, PAYLOAD_AT, RESULT_AT = map(
    COLUMNS.index, ("state", "rules", "owner", "queue", "payload", "result")
)


def read_jobs(db: apsw.Connection, query: Query) -> list[StoredJob]:
    """The jobs of `query`; ids that do not exist are simply missing."""
    rows = _by_ids(db, query) if isinstance(query, ByIds) else _page(db, query)
    return [_stored(row) for row in rows]


def _by_ids(db: apsw.Connection, query: ByIds) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    size = 0
    select = SELECT if query.bodies else SELECT_PAGE
    for job in query.ids:
        row = db.execute(f"{select} WHERE id = ?", (job,)).fetchone()
        if row is None or not query.scope.allows(row[OWNER_AT], row[QUEUE_AT]):
            continue
        size += len(row[PAYLOAD_AT]) + len(row[RESULT_AT] or b"")
        if rows and size > query.max_bytes:
            raise TooLarge(f"these jobs hold more than {query.max_bytes} bytes together: ask for fewer at once")
        rows.append(row)
    return rows


def _page(db: apsw.Connection, query: Page) -> list[tuple[Any, ...]]:
    wanted = {"id <": query.before, "jobs.queue =": query.queue, "jobs.kind =": query.kind, "state =": query.state}
    given = {column: value for column, value in wanted.items() if value is not None}
    where = " AND ".join(f"{column} ?" for column in given) or "1"
    return list(db.execute(f"{SELECT_PAGE} WHERE {where} ORDER BY id DESC LIMIT ?", (*given.values(), query.limit)))


def _stored(row: tuple[Any, ...]) -> StoredJob:
    values = dict(zip(COLUMNS, row, strict=True))
    values["state"] = State(row[STATE_AT])
    values["rules"] = msgspec.json.decode(row[RULES_AT], type=Rules) if row[RULES_AT] else DEFAULT_RULES
    return StoredJob(**values)


def claimed(row: tuple[Any, ...]) -> Claimed:
    """A row of the twelve columns that `Claimed` names, in its order."""
    return Claimed(*row)
