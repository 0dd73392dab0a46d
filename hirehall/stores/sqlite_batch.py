"""One batch as one SQLite transaction.

The two hot statements (insert, succeed) run through executemany; everything rarer looks at its row first, so that every
refusal has a reason and every step passes `lifecycle.take`.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import apsw
import msgspec

from hirehall.core import lifecycle
from hirehall.core.operations import (
    APPLIED,
    DUPLICATE,
    NOT_FOUND,
    STALE,
    SWEEP_JOBS,
    WRONG_STATE,
    Batch,
    Change,
    Claim,
    Claimed,
    Moved,
    NewJob,
    Submit,
)
from hirehall.model import FINAL, LaneKey, State
from hirehall.stores.sqlite_tokens import apply_tokens

READY, RUNNING, SUCCEEDED = int(State.READY), int(State.RUNNING), int(State.SUCCEEDED)
HISTORY_ENTRIES = 20

INSERT = (
    "INSERT INTO jobs (id, place, lane, queue, kind, state, attempt, forgiven, max_attempts, keep_ms, wake_at,"
    " expires_at, holder, worker, lease_seconds, owner, follow, key, started_at, rules, payload)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
FIND_KEY = "SELECT id, kind, payload, state FROM jobs WHERE queue = ? AND key = ?"
SUCCEED_IN_HAND = (
    f"UPDATE jobs SET state = {SUCCEEDED}, result = ?, progress = coalesce(?, progress), finished_at = ?,"
    f" wake_at = ? + keep_ms WHERE id = ? AND attempt = ? AND holder = ? AND state = {RUNNING}"
)
ROW_COLUMNS = (
    "id, lane, state, attempt, forgiven, max_attempts, holder, worker, lost, owner, follow, keep_ms, history, place,"
    " kind, queue, payload, rules"
)
FIND_ROW = f"SELECT {ROW_COLUMNS} FROM jobs WHERE id = ?"
UPDATE_ROW = (
    "UPDATE jobs SET state = ?, wake_at = ?, lost = ?, forgiven = ?, place = ?,"
    " lease_seconds = coalesce(?, lease_seconds), finished_at = ?,"
    " fault = ?, progress = coalesce(?, progress), history = ?, result = ? WHERE id = ?"
)
LAST_PLACE = f"SELECT max(place) FROM jobs WHERE lane = ? AND state = {READY}"
DUE = (
    "SELECT id, lane, state, attempt, expires_at, follow FROM jobs"
    f" WHERE wake_at <= ? ORDER BY wake_at LIMIT {SWEEP_JOBS}"
)
MAKE_READY = f"UPDATE jobs SET state = {READY}, lost = 0, wake_at = iif(attempt = 0, expires_at, NULL) WHERE id = ?"
EXPIRE = f"UPDATE jobs SET state = {int(State.EXPIRED)}, finished_at = ?, wake_at = ? + keep_ms WHERE id = ?"
CLAIMABLE = (
    "SELECT id, lane, kind, queue, payload, attempt, forgiven, max_attempts, follow, rules FROM jobs"
    f" WHERE lane = ? AND state = {READY} AND (expires_at IS NULL OR expires_at > ? OR attempt > 0)"
    " ORDER BY place LIMIT ?"
)
DELIVER = (
    f"UPDATE jobs SET state = {RUNNING}, attempt = ?, holder = ?, worker = ?, lease_seconds = ?, lost = 0,"
    " wake_at = NULL, started_at = coalesce(started_at, ?) WHERE id = ?"
)
FIND_LANE = "SELECT queue, kind, requires, share, priority FROM lanes WHERE lane = ?"
ADD_COUNT = "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT (lane, state) DO UPDATE SET jobs = jobs + excluded.jobs"


class Row(msgspec.Struct):
    """What a change must know of its row."""

    id: int
    lane: int
    state: int
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


class Transaction:
    """Carries out one batch and fills its answers."""

    def __init__(self, db: apsw.Connection, batch: Batch) -> None:
        self.db = db
        self.batch = batch
        self.now = batch.now.wall_ms
        self.counts: Counter[tuple[int, int]] = Counter()  # (lane, state) -> change

    def run(self) -> None:
        """All of it or, when anything raises, none."""
        self.db.execute("BEGIN IMMEDIATE")
        try:
            self._submits()
            self._changes()
            self._notes()
            apply_tokens(self.db, self.batch.tokens)
            if self.batch.sweep:
                self._sweep()
            self._claims()
            self._sums()
            self.db.execute("COMMIT")
        except BaseException:
            if self.db.in_transaction:
                self.db.execute("ROLLBACK")
            raise

    # Submits.

    def _submits(self) -> None:
        fresh: list[NewJob] = []
        for submit in self.batch.submits:
            fresh += self._admitted(submit)
        if fresh:
            self._declare({job.lane for job in fresh})
            self.db.executemany(INSERT, map(self._values, fresh))
            for job in fresh:
                self.counts[job.lane, job.state] += 1
            self.db.execute("UPDATE meta SET value = ? WHERE name = 'last_id'", (fresh[-1].id,))

    def _admitted(self, submit: Submit) -> list[NewJob]:
        """The jobs of `submit` that are new. None of them when a key is in conflict."""
        if not submit.has_keys:
            submit.ids = [job.id for job in submit.jobs]
            return submit.jobs
        ids: list[int] = []
        duplicates: dict[int, State] = {}
        known: dict[tuple[str, str], tuple[int, str, bytes, int]] = {}
        fresh: list[NewJob] = []
        for job in submit.jobs:
            twin = self._twin(job, known)
            if twin is None:
                fresh.append(job)
                ids.append(job.id)
            elif twin[1:3] != (job.spec.kind, bytes(job.spec.payload)):
                submit.conflict = job.spec.key
                return []
            else:
                ids.append(twin[0])
                duplicates[twin[0]] = State(twin[3])
        submit.ids, submit.duplicates = ids, duplicates
        return fresh

    def _twin(
        self, job: NewJob, known: dict[tuple[str, str], tuple[int, str, bytes, int]]
    ) -> tuple[int, str, bytes, int] | None:
        """The job that has this key already, in the store or earlier in the same submit: id, kind, payload, state."""
        if job.spec.key is None:
            return None
        name = (job.spec.queue, job.spec.key)
        twin = known.get(name) or self.db.execute(FIND_KEY, name).fetchone()
        known[name] = twin or (job.id, job.spec.kind, bytes(job.spec.payload), job.state)
        return twin

    def _declare(self, lanes: set[int]) -> None:
        rows = [(lane, *self.batch.lanes[lane]) for lane in lanes]
        self.db.executemany("INSERT OR IGNORE INTO lanes VALUES (?, ?, ?, ?, ?, ?)", rows)

    def _values(self, job: NewJob) -> tuple[Any, ...]:
        spec = job.spec
        return (
            job.id, job.id, job.lane, spec.queue, spec.kind, job.state, job.attempt, job.max_attempts,
            job.keep_ms, job.wake_at, job.expires_at, job.holder, job.worker, job.lease_seconds,
            job.owner, job.follow, spec.key, self.now if job.attempt else None, job.rules, bytes(spec.payload),
        )  # fmt: skip

    # Changes.

    def _changes(self) -> None:
        quick = [change for change in self.batch.changes if change.in_hand and change.step is lifecycle.SUCCEED]
        if quick:
            self._succeed(quick)
        for change in self.batch.changes:
            if not (change.in_hand and change.step is lifecycle.SUCCEED):
                self._change(change)

    def _succeed(self, changes: list[Change]) -> None:
        """Every lease is in hand, so every row should be running: one statement, or one by one where that is not so."""
        self.db.execute("SAVEPOINT succeed")
        before = self.db.total_changes()
        self.db.executemany(
            SUCCEED_IN_HAND,
            [(c.result, c.progress, self.now, self.now, c.id, c.attempt, c.holder) for c in changes],
        )
        if self.db.total_changes() - before == len(changes):
            for change in changes:
                change.answer = APPLIED
                self.counts[change.lane, RUNNING] -= 1
                self.counts[change.lane, SUCCEEDED] += 1
        else:
            self.db.execute("ROLLBACK TO succeed")
            for change in changes:
                self._change(change)
        self.db.execute("RELEASE succeed")

    def _row(self, job: int) -> Row | None:
        found = self.db.execute(FIND_ROW, (job,)).fetchone()
        return Row(*found) if found is not None else None

    def _change(self, change: Change) -> None:
        row = self._row(change.id)
        if row is None or not change.scope.allows(row.owner, row.queue):
            change.answer = NOT_FOUND
            return
        change.was, change.row_lane, change.row_attempt = State(row.state), row.lane, row.attempt
        change.follow = row.follow
        change.answer = judge(change, row)
        if change.answer == APPLIED:
            self._update(change, row)

    def _update(self, change: Change, row: Row) -> None:
        target = lifecycle.take(row.id, State(row.state), change.step, change.target)
        self.db.execute(UPDATE_ROW, self._updated(change, row, target))
        self.counts[row.lane, row.state] -= 1
        self.counts[row.lane, target] += 1
        if target is State.READY:
            self._remember_lane(row.lane)
        elif target is State.RUNNING:
            change.row = self._resumed(change, row)

    def _updated(self, change: Change, row: Row, target: State) -> tuple[Any, ...]:
        final = target in FINAL
        return (
            target,
            self.now + row.keep_ms if final else change.wake_at,
            change.step is lifecycle.LOSE and not final,
            row.forgiven + (change.step is lifecycle.RELEASE),
            self._place(change, row),
            change.lease_seconds,
            self.now if final else None,
            change.fault,
            change.progress,
            self._history(change, row),
            change.result,
            row.id,
        )

    def _place(self, change: Change, row: Row) -> int:
        if not change.place_last:
            return row.place
        last = self.db.execute(LAST_PLACE, (row.lane,)).fetchone()
        return max(row.place, (last[0] or 0) + 1) if last else row.place

    def _history(self, change: Change, row: Row) -> bytes | None:
        """A line for every attempt that ended otherwise than by success."""
        if row.state != RUNNING or change.step is lifecycle.SUCCEED:
            return row.history
        entries = msgspec.json.decode(row.history, type=list[msgspec.Raw]) if row.history else []
        entry = {"attempt": row.attempt, "how": change.step.name, "at_ms": self.now, "worker": row.worker}
        if change.fault:
            entry["error"] = msgspec.Raw(change.fault)
        return msgspec.json.encode([*entries, entry][-HISTORY_ENTRIES:])

    def _resumed(self, change: Change, row: Row) -> Claimed:
        return Claimed(
            row.id, row.lane, row.kind, row.queue, row.payload, row.attempt, row.forgiven, row.max_attempts, row.follow,
            row.rules, row.holder or "", change.lease_seconds or 0.0,
        )  # fmt: skip

    def _remember_lane(self, lane: int) -> None:
        if lane not in self.batch.lanes:
            self.batch.lanes[lane] = LaneKey(*next(self.db.execute(FIND_LANE, (lane,))))

    def _notes(self) -> None:
        if self.batch.notes:
            self.db.executemany(
                f"UPDATE jobs SET progress = ? WHERE id = ? AND attempt = ? AND state = {RUNNING}",
                [(note.progress, note.id, note.attempt) for note in self.batch.notes],
            )

    # Stored times.

    def _sweep(self) -> None:
        rows = list(self.db.execute(DUE, (self.now,)))
        self.batch.moved = [self._moved(*row) for row in rows]
        self.batch.sweep_again = len(rows) == SWEEP_JOBS
        by_target: dict[State | None, list[int]] = {}
        for moved in self.batch.moved:
            by_target.setdefault(moved.state, []).append(moved.id)
            self.counts[moved.lane, moved.was] -= 1
            if moved.state is not None:
                self.counts[moved.lane, moved.state] += 1
            if moved.state is State.READY:
                self._remember_lane(moved.lane)
        self.db.executemany(MAKE_READY, [(job,) for job in by_target.get(State.READY, [])])
        self.db.executemany(EXPIRE, [(self.now, self.now, job) for job in by_target.get(State.EXPIRED, [])])
        self.db.executemany("DELETE FROM jobs WHERE id = ?", [(job,) for job in by_target.get(None, [])])

    def _moved(
        self, job: int, lane: int, state: int, attempt: int, expires_at: int | None, follow: int | None
    ) -> Moved:
        was = State(state)
        if was in FINAL:
            return Moved(job, lane, was, None, follow)
        expired = attempt == 0 and expires_at is not None and expires_at <= self.now
        step, target = (lifecycle.EXPIRE, State.EXPIRED) if expired else (lifecycle.DUE, State.READY)
        return Moved(job, lane, was, lifecycle.take(job, was, step, target), follow)

    # Claims.

    def _claims(self) -> None:
        room: dict[str, int] = {}
        updates: list[tuple[Any, ...]] = []
        for claim in self.batch.claims:
            self._claim(claim, room)
            updates += [
                (row.attempt, seat.holder, seat.worker, seat.lease_seconds, self.now, row.id)
                for row, seat in zip(claim.rows, claim.seats, strict=False)
            ]
        if updates:
            self.db.executemany(DELIVER, updates)

    def _claim(self, claim: Claim, room: dict[str, int]) -> None:
        rows: list[Claimed] = []
        found = self.db.execute(CLAIMABLE, (claim.lane, self.now, len(claim.seats)))
        for seat, row in zip(claim.seats, found, strict=False):
            job, lane, kind, queue, payload, attempt, forgiven, max_attempts, follow, rules = row
            left = room.get(seat.holder, self.batch.claim_bytes) - len(payload)
            if left < 0 and seat.holder in room:  # the first job always fits
                claim.cut = True
                break
            room[seat.holder] = left
            rows.append(
                Claimed(
                    job, lane, kind, queue, payload, attempt + 1, forgiven, max_attempts, follow, rules,
                    seat.holder, seat.lease_seconds,
                )
            )  # fmt: skip
        claim.rows = rows
        self.counts[claim.lane, READY] -= len(rows)
        self.counts[claim.lane, RUNNING] += len(rows)

    # Sums.

    def _sums(self) -> None:
        self.db.executemany(
            ADD_COUNT, [(lane, int(state), jobs) for (lane, state), jobs in self.counts.items() if jobs]
        )
        for lane in {moved.lane for moved in self.batch.moved if moved.state is None}:
            left = self.db.execute("SELECT sum(jobs) FROM counts WHERE lane = ?", (lane,)).fetchone()
            if left is not None and not left[0]:
                self.db.execute("DELETE FROM counts WHERE lane = ?", (lane,))
                self.db.execute("DELETE FROM lanes WHERE lane = ?", (lane,))
        wake = self.db.execute("SELECT min(wake_at) FROM jobs WHERE wake_at IS NOT NULL").fetchone()
        self.batch.next_wake = wake[0] if wake is not None else None


def judge(change: Change, row: Row) -> str:
    """Whether this row lets the change happen: applied, or why not."""
    matches = (row.attempt, row.holder) == (change.attempt, change.holder)
    if change.attempt is None:
        return APPLIED if row.state in change.step.sources else WRONG_STATE
    if row.state == RUNNING and matches:
        allowed = change.in_hand or change.step is lifecycle.SUCCEED
        return APPLIED if allowed else STALE
    if row.state == READY and matches and row.lost:
        return APPLIED if change.step in (lifecycle.SUCCEED, lifecycle.RESUME) else STALE
    return DUPLICATE if matches and _was_said(change, row) else STALE


def _was_said(change: Change, row: Row) -> bool:
    """The same worker reports the same end of the same attempt again, since it never saw the answer."""
    if change.step is lifecycle.SUCCEED:
        return row.state == SUCCEEDED
    return change.step in (lifecycle.FAIL, lifecycle.RELEASE) and row.state in (State.SCHEDULED, READY, State.FAILED)
