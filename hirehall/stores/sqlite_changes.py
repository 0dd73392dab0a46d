"""Changes of single jobs inside a SQLite transaction.

The hot one (a result of a lease in hand) runs through executemany; everything rarer looks at its row first, so that
every refusal has a reason: `judge` says whether the step may start there, `lifecycle.take` where it may lead.
"""

from __future__ import annotations

from itertools import chain
from operator import attrgetter
from typing import Any

import msgspec

from hirehall.core import lifecycle
from hirehall.core.judging import judge
from hirehall.core.operations import APPLIED, DAMAGED, NOT_FOUND, WRONG_STATE, Change, Claimed
from hirehall.model import FINAL, State, id_text, read_rules
from hirehall.stores import sqlite_drafts, sqlite_edits, sqlite_gates
from hirehall.stores.sqlite_files import attempt_ended
from hirehall.stores.sqlite_row import FIND_ROW, Row
from hirehall.stores.sqlite_runs import SHORTEST, runs
from hirehall.stores.sqlite_work import Unexpected, Work

READY, RUNNING, SUCCEEDED = int(State.READY), int(State.RUNNING), int(State.SUCCEEDED)
ID = attrgetter("id")
HAS_FILES = b'"has_files":true'  # in the rules of a job, where a text has its quotes escaped
HISTORY_ENTRIES = 20
HISTORY_BYTES = 512 << 10  # a job's row must fit into an answer, whatever its workers say of their failures

SUCCEED_IN_HAND = (
    f"UPDATE jobs NOT INDEXED SET state = {SUCCEEDED}, result = ?1, progress = coalesce(?2, progress),"
    " finished_at = ?3, wake_at = ?3 + keep_ms"
    f" WHERE id = ?4 AND attempt = ?5 AND holder = ?6 AND state = {RUNNING}"
)
SUCCEED_ALIKE = SUCCEED_IN_HAND.replace("id = ?4", "id BETWEEN ?4 AND ?7")
SUCCEED_RUN = SUCCEED_IN_HAND.replace("?1", "result_of(id)").replace("id = ?4", "id BETWEEN ?4 AND ?1")
UPDATE_ROW = (
    "UPDATE jobs SET state = ?, wake_at = ?, lost = ?, forgiven = ?, place = ?,"
    " lease_seconds = coalesce(?, lease_seconds), finished_at = ?,"
    " fault = ?, progress = coalesce(?, progress), history = ?, result = ? WHERE id = ?"
)
RETRY_ROW = (
    "UPDATE jobs SET state = ?, wake_at = NULL, expires_at = NULL, lost = 0, forgiven = attempt, finished_at = NULL,"
    " fault = NULL, progress = NULL, result = NULL WHERE id = ?"
)
LAST_PLACE = f"SELECT max(place) FROM jobs WHERE lane = ? AND state = {READY}"


def store_changes(work: Work) -> None:
    """Every change of the batch, answered one by one."""
    quick: list[Change] = []
    for change in work.batch.changes:
        if change.results is not None:
            quick.append(change)
        else:
            _change(work, change)
    if quick:
        _succeed(work, quick)


def _succeed(work: Work, changes: list[Change]) -> None:
    """Every lease is in hand, so every row should be running. Raises Unexpected when one is not."""
    assert work.results is not None, "else they are taken apart"
    before = work.db.total_changes()
    single: list[tuple[Any, ...]] = []
    jobs = 0
    for terms, run in runs(sorted(changes, key=ID), _terms):
        lane, attempt, holder, progress = terms
        results = list(chain.from_iterable([change.results or () for change in run]))
        first, count = run[0].id, len(results)
        work.counts[lane, RUNNING] -= count
        work.counts[lane, SUCCEEDED] += count
        jobs += count
        if count < SHORTEST:
            single += [(result, progress, work.now, job, attempt, holder) for job, result in enumerate(results, first)]
        elif results.count(results[0]) == count:
            last = first + count - 1
            work.db.execute(SUCCEED_ALIKE, (results[0], progress, work.now, first, attempt, holder, last))
        else:
            work.results.update(enumerate(results, first))
            work.db.execute(SUCCEED_RUN, (first + count - 1, progress, work.now, first, attempt, holder))
    if single:
        work.db.executemany(SUCCEED_IN_HAND, single)
    work.results.clear()
    if work.db.total_changes() - before != jobs:
        raise Unexpected
    for change in changes:
        change.answer = APPLIED
        if work.has_gates:
            ended = range(change.id, change.id + change.jobs)
            work.ended.update(dict.fromkeys(ended, State.SUCCEEDED))
            work.left.update(ended)


def _terms(change: Change) -> tuple[int, int, tuple[Any, ...]]:
    return change.id, change.jobs, (change.lane, change.attempt, change.holder, change.progress)


def _change(work: Work, change: Change) -> None:
    if change.id in work.aside:
        change.answer = DAMAGED
        return
    work.spot.job = change.id
    found = work.db.execute(FIND_ROW, (change.id,)).fetchone()
    if found is None:
        change.answer = NOT_FOUND
        return
    row = Row.of(found)
    if not change.scope.allows(row.owner, row.queue):
        change.answer = NOT_FOUND
        return
    change.was, change.row_lane, change.row_attempt = row.state, row.lane, row.attempt
    change.follow, change.kind, change.queue = row.follow, row.kind, row.queue
    change.answer = judge(change, row)
    if change.answer == APPLIED:
        APPLY.get(change.step, _update)(work, change, row)


def _update(work: Work, change: Change, row: Row) -> None:
    assert change.target is not None, "only `remove` leads nowhere"
    target = lifecycle.take(row.id, row.state, change.step, change.target)
    work.db.execute(UPDATE_ROW, _updated(work, change, row, target))
    work.move(row.id, row.lane, row.state, target)
    if row.rules and HAS_FILES in row.rules:
        attempt_ended(work, change, row, target)
    if target is State.READY:
        work.remember_lane(row.lane)
    elif target is State.RUNNING:
        change.row = _resumed(change, row)


def _updated(work: Work, change: Change, row: Row, target: State) -> tuple[Any, ...]:
    final = target in FINAL
    return (
        target,
        work.now + row.keep_ms if final else change.wake_at,
        change.step is lifecycle.LOSE and not final,
        row.forgiven + (change.step is lifecycle.RELEASE),
        _place(work, change, row),
        change.lease_seconds,
        work.now if final else None,
        change.fault,
        change.progress,
        _history(work, change, row),
        change.result,
        row.id,
    )


def _place(work: Work, change: Change, row: Row) -> int:
    if not change.place_last:
        return row.place
    last = work.db.execute(LAST_PLACE, (row.lane,)).fetchone()
    return max(row.place, (last[0] or 0) + 1) if last else row.place


def _history(work: Work, change: Change, row: Row) -> bytes | None:
    """A line for every attempt that ended otherwise than by success."""
    if row.state is not State.RUNNING or change.step is lifecycle.SUCCEED:
        return row.history
    entries = msgspec.json.decode(row.history, type=list[msgspec.Raw]) if row.history else []
    how = {"how": change.step.name, "began_ms": row.started_at, "at_ms": work.now, "worker": row.worker}
    entry: dict[str, Any] = {"attempt": row.attempt, **how}
    if change.fault:
        entry["error"] = msgspec.Raw(change.fault)
    return msgspec.json.encode(_latest([*entries, msgspec.Raw(msgspec.json.encode(entry))]))


def _latest(entries: list[msgspec.Raw]) -> list[msgspec.Raw]:
    """As many as are kept, the last one in any case."""
    kept: list[msgspec.Raw] = []
    size = 0
    for entry in reversed(entries[-HISTORY_ENTRIES:]):
        size += len(entry)
        if kept and size > HISTORY_BYTES:
            break
        kept.append(entry)
    return kept[::-1]


def _resumed(change: Change, row: Row) -> Claimed:
    return Claimed(
        row.id, row.lane, row.kind, row.queue, row.payload, row.attempt, row.forgiven, row.max_attempts, row.follow,
        row.rules, row.holder or "", change.lease_seconds or row.lease_seconds or 0.0,
    )  # fmt: skip


# What people do.


def _retry(work: Work, change: Change, row: Row) -> None:
    """Try it again, forgiven. One that has run before does not ask for its parents again."""
    rules = read_rules(row.rules)
    parents = rules.after if rules.after and not row.attempt else []
    stuck = sqlite_gates.hopeless(work, parents)
    if stuck:
        change.answer, change.why = WRONG_STATE, f"job {id_text(row.id)} waits for {stuck}"
        return
    gated = bool(parents or rules.lock)
    change.target = lifecycle.take(row.id, row.state, change.step, State.BLOCKED if gated else State.READY)
    work.db.execute(RETRY_ROW, (int(change.target), row.id))
    if work.has_gates:
        sqlite_gates.begin_again(work, row.id)
    work.move(row.id, row.lane, row.state, change.target)
    key = work.remember_lane(row.lane)
    if gated:
        sqlite_gates.admit_again(work, row.id, row.queue, rules.lock, key.priority, parents)


def _remove(work: Work, change: Change, row: Row) -> None:
    work.move(row.id, row.lane, row.state, None)
    work.delete([row.id])
    work.emptied.add(row.lane)


APPLY = {
    lifecycle.RETRY: _retry,
    lifecycle.REMOVE: _remove,
    lifecycle.CHANGE: sqlite_edits.edit,
    lifecycle.COMMIT: sqlite_drafts.commit,
    lifecycle.DISCARD: _remove,
}
