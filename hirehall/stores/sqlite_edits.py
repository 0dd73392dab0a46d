"""`change` inside a SQLite transaction: what a person sets on a job that has not begun."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET

from hirehall.core import lifecycle
from hirehall.core.operations import CONFLICT, Change, Edit, lane_number
from hirehall.model import FINAL, LaneKey, Rules, State, id_text, read_rules, stored_rules
from hirehall.stores.sqlite_row import Row
from hirehall.stores.sqlite_work import Work

EDIT_ROW = (
    "UPDATE jobs SET queue = ?, lane = ?, state = ?, wake_at = ?, expires_at = ?, max_attempts = ?, keep_ms = ?,"
    " rules = ?, lost = ? WHERE id = ?"
)
TWIN = "SELECT id FROM jobs WHERE queue = ? AND key = ?"
HAS_GATE = "SELECT EXISTS (SELECT 1 FROM gates WHERE id = ?)"


class Edited(msgspec.Struct):
    """The row as the edit wants it. Times are epoch milliseconds."""

    key: LaneKey
    rules: Rules
    state: State
    wake_at: int | None
    expires_at: int | None
    keep_ms: int


def edit(work: Work, change: Change, row: Row) -> None:
    """Carry out `change.edit`, or answer why it cannot be."""
    assert change.edit is not None, "a change step carries its edit"
    edited = _edited(work, change.edit, row)
    why = _conflict(work, row, edited)
    if why:
        change.answer, change.why = CONFLICT, why
        return
    lane = lane_number(edited.key)
    work.batch.lanes[lane] = edited.key
    work.declare({lane})
    change.new_lane, change.queue, change.target = lane, edited.key.queue, edited.state
    work.db.execute(EDIT_ROW, _values(change.edit, row, edited, lane))
    work.move(row.id, row.lane, row.state, edited.state, new_lane=lane)
    work.emptied.add(row.lane)
    if change.edit.tags is not UNSET:
        _set_tags(work, row.id, change.edit.tags)
    if work.has_gates:
        _settle_gate(work, row, edited)


def _edited(work: Work, wanted: Edit, row: Row) -> Edited:
    rules = read_rules(row.rules)
    rules = msgspec.structs.replace(
        rules,
        timeout_seconds=_or(wanted.timeout_seconds, rules.timeout_seconds),
        tags=_or(wanted.tags, rules.tags) or None,
        meta=_or(wanted.meta, rules.meta) or None,
    )
    old = work.remember_lane(row.lane)
    key = LaneKey(
        _or(wanted.queue, old.queue), old.kind, _or(wanted.requires, old.requires), _or(wanted.share, old.share),
        _or(wanted.priority, old.priority),
    )  # fmt: skip
    expires_at = _or(wanted.expires_at, row.expires_at)
    edited = Edited(key, rules, row.state, row.wake_at, expires_at, _or(wanted.keep_ms, row.keep_ms))
    if row.state in FINAL:
        edited.wake_at = (row.finished_at or work.now) + edited.keep_ms
    elif row.state not in (State.RUNNING, State.DRAFT):
        _set_times(work, wanted, row, edited)
    return edited


def _set_times(work: Work, wanted: Edit, row: Row, edited: Edited) -> None:
    """Where an edit of its times leads a job that has not begun."""
    due = _or(wanted.due, row.wake_at if row.state is State.SCHEDULED else None)
    if due is not None and due > work.now:
        edited.state, edited.wake_at = State.SCHEDULED, due
        return
    edited.wake_at = None if row.attempt else edited.expires_at
    if row.state is State.SCHEDULED:
        gated = work.has_gates and work.db.execute(HAS_GATE, (row.id,)).get
        edited.state = State.BLOCKED if gated else State.READY


def _conflict(work: Work, row: Row, edited: Edited) -> str:
    job = id_text(row.id)
    if edited.key.queue != row.queue:
        if edited.rules.lock is not None:
            return f"job {job} has a lock, which belongs to queue {row.queue}: cancel it and submit it anew"
        if row.key is not None and work.db.execute(TWIN, (edited.key.queue, row.key)).fetchone():
            return f"queue {edited.key.queue} has a job with the key of job {job} already"
    if edited.state is State.SCHEDULED and not row.attempt and (edited.expires_at or 1 << 62) <= (edited.wake_at or 0):
        return f"job {job} would expire before it may start: let it expire later, or start sooner"
    return ""


def _values(wanted: Edit, row: Row, edited: Edited, lane: int) -> tuple[Any, ...]:
    rules = stored_rules(edited.rules)
    return (
        edited.key.queue, lane, int(edited.state), edited.wake_at, edited.expires_at,
        _or(wanted.max_attempts, row.max_attempts), edited.keep_ms, rules,
        row.lost if lane == row.lane else 0,  # what was lost there is no longer its old worker's to keep
        row.id,
    )  # fmt: skip


def _set_tags(work: Work, job: int, tags: list[str]) -> None:
    work.db.execute("DELETE FROM tags WHERE id = ?", (job,))
    work.db.executemany("INSERT OR IGNORE INTO tags VALUES (?, ?)", [(tag, job) for tag in tags])


def _settle_gate(work: Work, row: Row, edited: Edited) -> None:
    sql = "UPDATE gates SET priority = ?, queue = ? WHERE id = ? RETURNING waits, lock"
    gate = work.db.execute(sql, (edited.key.priority, edited.key.queue, row.id)).fetchone()
    if gate is None:
        return
    if edited.state is State.SCHEDULED:  # who is put off does not stand in the way of those who wait for the same lock
        work.db.execute("UPDATE gates SET stage = 0 WHERE id = ? AND stage = 1", (row.id,))
    elif not gate[0] and row.state is State.SCHEDULED and edited.state is State.BLOCKED:
        work.db.execute("UPDATE gates SET stage = 1 WHERE id = ?", (row.id,))
        work.wanting.append((row.id, edited.key.queue, gate[1]))


def _or(wanted: Any, current: Any) -> Any:
    return current if wanted is UNSET else wanted


assert lifecycle.CHANGE.targets >= lifecycle.CHANGE.sources, "an edit may leave a job where it is"
