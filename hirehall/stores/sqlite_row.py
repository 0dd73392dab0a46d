"""One row of `jobs`, as far as a change must know it."""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall.model import State

COLUMNS = (
    "id, lane, state, attempt, forgiven, max_attempts, holder, worker, lost, owner, follow, keep_ms, history, place,"
    " kind, queue, payload, rules, key, wake_at, expires_at, started_at, finished_at, lease_seconds"
)
FIND_ROW = f"SELECT {COLUMNS} FROM jobs WHERE id = ?"


class Row(msgspec.Struct):
    """Times are epoch milliseconds."""

    id: int
    lane: int
    state: State
    attempt: int
    forgiven: int
    max_attempts: int
    holder: str | None
    worker: str | None
    lost: int
    owner: str
    follow: int | None
    keep_ms: int
    history: bytes | None
    place: int
    kind: str
    queue: str
    payload: bytes
    rules: bytes | None
    key: str | None
    wake_at: int | None
    expires_at: int | None
    started_at: int | None  # of the latest attempt
    finished_at: int | None
    lease_seconds: float | None

    @classmethod
    def of(cls, found: tuple[Any, ...]) -> Row:
        """The row behind COLUMNS."""
        row = cls(*found)
        row.state = State(row.state)
        return row
