"""Stored times and claims inside a SQLite transaction."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from hirehall.core import lifecycle
from hirehall.core.operations import SWEEP_JOBS, Claim, Claimed, Moved, Seat
from hirehall.model import FINAL, State
from hirehall.stores import sqlite_gates
from hirehall.stores.sqlite_damage import NOT_ASIDE
from hirehall.stores.sqlite_runs import SHORTEST, runs
from hirehall.stores.sqlite_work import Work

STATES = {int(state): state for state in State}
READY, RUNNING = int(State.READY), int(State.RUNNING)
DUE = (
    "SELECT id, lane, state, attempt, expires_at, follow, kind, queue FROM jobs"
    f" WHERE wake_at <= ? ORDER BY wake_at LIMIT {SWEEP_JOBS}"
)
DUE_NOT_ASIDE = DUE.replace(" ORDER BY", f" AND {NOT_ASIDE} ORDER BY")
COME_DUE = "UPDATE jobs SET state = ?, lost = 0, wake_at = iif(attempt = 0, expires_at, NULL) WHERE id = ?"
EXPIRE = f"UPDATE jobs SET state = {int(State.EXPIRED)}, finished_at = ?, wake_at = ? + keep_ms WHERE id = ?"
CLAIMABLE = (
    "SELECT id, payload, attempt, forgiven, max_attempts, follow, rules FROM jobs"
    f" WHERE lane = ? AND state = {READY} AND (expires_at IS NULL OR expires_at > ? OR attempt > 0)"
    " ORDER BY place LIMIT ?"
)
CLAIMABLE_NOT_ASIDE = CLAIMABLE.replace(" ORDER BY", f" AND {NOT_ASIDE} ORDER BY")
DELIVER = (
    f"UPDATE jobs NOT INDEXED SET state = {RUNNING}, attempt = ?1, holder = ?2, worker = ?3, lease_seconds = ?4,"
    " lost = 0, wake_at = NULL, started_at = ?5 WHERE id = ?6"
)
DELIVER_RUN = DELIVER.replace("id = ?6", "id BETWEEN ?6 AND ?7")


def sweep(work: Work) -> None:
    """Move what is due, at most SWEEP_JOBS: scheduled jobs go on, others expire, ended ones are removed."""
    which, values = (DUE_NOT_ASIDE, (work.now, work.aside_json)) if work.aside else (DUE, (work.now,))
    rows = list(work.db.execute(which, values))
    gated = sqlite_gates.due(work, [row[0] for row in rows if row[2] == State.SCHEDULED])
    moved = [_moved(work.now, gated, *row) for row in rows]
    work.batch.moved += moved
    work.batch.sweep_again = len(rows) == SWEEP_JOBS
    come_due = [(int(one.state), one.id) for one in moved if one.state in (State.READY, State.BLOCKED)]
    work.db.executemany(COME_DUE, work.spot.each(come_due, 1))
    expired = [(work.now, work.now, one.id) for one in moved if one.state is State.EXPIRED]
    work.db.executemany(EXPIRE, work.spot.each(expired, 2))
    work.delete([one.id for one in moved if one.state is None])
    _count(work, moved)


def _count(work: Work, moved: list[Moved]) -> None:
    """Removed jobs by their sums: a busy hall sweeps little else, and gates have heard of their ends. Drafts have not
    ended: gates must hear that they are gone."""
    removed = Counter((one.lane, int(one.was)) for one in moved if one.state is None and one.was in FINAL)
    for place, jobs in removed.items():
        work.counts[place] -= jobs
    work.emptied.update([one.lane for one in moved if one.state is None])
    for one in moved:
        if one.state is not None or one.was is State.DRAFT:
            work.move(one.id, one.lane, one.was, one.state)
        if one.state is State.READY:
            work.remember_lane(one.lane)


def _moved(
    now: int, gated: set[int], job: int, lane: int, state: int, attempt: int, expires_at: int | None,
    follow: int | None, kind: str, queue: str,
) -> Moved:  # fmt: skip
    was = STATES[state]
    if was in FINAL or was is State.DRAFT:
        return Moved(job, lane, was, None, follow, kind, queue, attempt)
    expired = attempt == 0 and expires_at is not None and expires_at <= now
    step, target = (lifecycle.EXPIRE, State.EXPIRED) if expired else (lifecycle.DUE, State.READY)
    if target is State.READY and job in gated:
        target = State.BLOCKED
    return Moved(job, lane, was, lifecycle.take(job, was, step, target), follow, kind, queue, attempt)


def claim(work: Work) -> None:
    """The next ready jobs of each claimed lane, within the bytes that a worker may get at once."""
    room: dict[str, int] = {}
    given: list[tuple[Claimed, Seat]] = []
    for claim in work.batch.claims:
        _claim(work, claim, room)
        given += zip(claim.rows, claim.seats, strict=False)
    single: list[tuple[Any, ...]] = []
    for (attempt, seat), run in runs(given, _terms):
        terms = (attempt, seat.holder, seat.worker, seat.lease_seconds, work.now)
        if work.results is None or len(run) < SHORTEST:
            single += [(*terms, row.id) for row, _ in run]
        else:
            work.db.execute(DELIVER_RUN, (*terms, run[0][0].id, run[-1][0].id))
    if single:
        work.db.executemany(DELIVER, work.spot.each(single, 5))


def _terms(given: tuple[Claimed, Seat]) -> tuple[int, int, tuple[int, Seat]]:
    row, seat = given
    return row.id, 1, (row.attempt, seat)


def _claim(work: Work, claim: Claim, room: dict[str, int]) -> None:
    claim.rows = []
    found = list(_fitting(work, claim, room))
    if not found:
        return
    lane = claim.lane
    queue, kind, *_ = work.remember_lane(lane)
    claim.rows = [
        Claimed(
            job, lane, kind, queue, payload, attempt + 1, forgiven, max_attempts, follow, rules,
            seat.holder, seat.lease_seconds,
        )
        for seat, (job, payload, attempt, forgiven, max_attempts, follow, rules) in found
    ]  # fmt: skip
    work.counts[lane, READY] -= len(found)
    work.counts[lane, RUNNING] += len(found)


def _fitting(work: Work, claim: Claim, room: dict[str, int]) -> Iterator[tuple[Seat, tuple[Any, ...]]]:
    """The claimed jobs that their workers may get in this batch. No more of them is read: they may be large."""
    for seat, row in zip(claim.seats, _claimable(work, claim), strict=False):
        holder = seat.holder
        left = room.get(holder, work.batch.claim_bytes) - len(row[1])
        if left < 0 and holder in room:  # the first job always fits
            return
        room[holder] = left
        yield seat, row


def _claimable(work: Work, claim: Claim) -> Iterator[tuple[Any, ...]]:
    if work.aside:
        return work.db.execute(CLAIMABLE_NOT_ASIDE, (claim.lane, work.now, work.aside_json, len(claim.seats)))
    return work.db.execute(CLAIMABLE, (claim.lane, work.now, len(claim.seats)))
