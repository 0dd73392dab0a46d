"""`commit` of a draft inside a SQLite transaction: it goes where its submit would have led."""

from __future__ import annotations

import msgspec

from hirehall.core import lifecycle
from hirehall.core.operations import BUSY, Change, Commit, NewJob
from hirehall.model import NULL, JobSpec, Rules, State, read_rules, stored_rules
from hirehall.stores import sqlite_files, sqlite_gates
from hirehall.stores.sqlite_row import Row
from hirehall.stores.sqlite_work import Work

COMMIT_ROW = "UPDATE jobs SET state = ?, wake_at = ?, rules = ? WHERE id = ?"


def commit(work: Work, change: Change, row: Row) -> None:
    """Its time, its gates and its expiry are as its submitter said. While its queue is full it stays a draft."""
    if work.waiting_room.get(row.queue, 1) <= 0:
        change.answer = BUSY
        return
    rules = read_rules(row.rules)
    is_gated = bool(rules.after or rules.lock)
    target, wake_at = State.BLOCKED if is_gated else State.READY, row.expires_at
    if rules.due is not None and rules.due > work.now:
        target, wake_at = State.SCHEDULED, rules.due
    change.target = lifecycle.take(row.id, row.state, change.step, target)
    files = sqlite_files.inputs(work.db, row.id) if rules.has_files else None
    rules = msgspec.structs.replace(rules, due=None, files=files or None)
    work.db.execute(COMMIT_ROW, (int(target), wake_at, stored_rules(rules), row.id))
    work.move(row.id, row.lane, row.state, target)
    if target is State.READY and row.queue in work.waiting_room:
        work.waiting_room[row.queue] -= 1
    priority = work.remember_lane(row.lane).priority
    if is_gated:
        assert isinstance(change, Commit), "its answer needs a place"
        change.gated = _as_new(row, rules, target, priority)
        sqlite_gates.admit(work, change.gated)


def _as_new(row: Row, rules: Rules, state: State, priority: int) -> NewJob:
    """What its gates must know."""
    spec = JobSpec(kind=row.kind, queue=row.queue, lock=rules.lock, priority=priority)
    after = tuple(rules.after or ())
    return NewJob(row.id, row.lane, spec, NULL, state, row.owner, None, None, None, None, after=after, is_gated=True)
