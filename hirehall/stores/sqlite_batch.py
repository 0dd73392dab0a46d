"""One batch as one SQLite transaction: the order of its steps, and the sums at its end."""

from __future__ import annotations

import apsw
import msgspec

from hirehall.core.operations import Batch
from hirehall.errors import HallError
from hirehall.stores.sqlite_changes import store_changes
from hirehall.stores.sqlite_damage import (
    CHANGES,
    CLAIMS,
    FILES,
    GATES,
    LOGS,
    NOT_ASIDE,
    NOTES,
    SUBMITS,
    SUMS,
    SWEEP,
    Aside,
)
from hirehall.stores.sqlite_files import attach_files
from hirehall.stores.sqlite_gates import open_gates
from hirehall.stores.sqlite_logs import store_logs
from hirehall.stores.sqlite_refs import remove_unnamed
from hirehall.stores.sqlite_runs import Results
from hirehall.stores.sqlite_submits import store_submits
from hirehall.stores.sqlite_sweep import claim, sweep
from hirehall.stores.sqlite_tokens import apply_tokens
from hirehall.stores.sqlite_work import Unexpected, Work

SET_QUEUE = "INSERT INTO queues VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET settings = excluded.settings"
NOTE = "UPDATE jobs SET progress = ? WHERE id = ? AND attempt = ? AND state = 3"
ADD_COUNT = "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT (lane, state) DO UPDATE SET jobs = jobs + excluded.jobs"

NEXT_WAKE = (
    "SELECT iif(EXISTS (SELECT 1 FROM ended_parents), ?, (SELECT min(wake_at) FROM jobs WHERE wake_at IS NOT NULL))"
)
NEXT_WAKE_NOT_ASIDE = f"{NEXT_WAKE[:-2]} AND {NOT_ASIDE}))"


def carry_out(db: apsw.Connection, batch: Batch, full: HallError | None, aside: Aside, results: Results) -> None:
    """All of the batch or, when anything raises, none; fills its answers. Submits of new jobs are refused with
    `full`; jobs that are set aside are left alone."""
    if aside.is_met:
        batch.take_apart()
    try:
        _transaction(db, batch, full, aside, None if aside.is_met else results)
    except Unexpected:
        batch.forget_answers()
        batch.take_apart()
        _transaction(db, batch, full, aside, None)


def _transaction(
    db: apsw.Connection, batch: Batch, full: HallError | None, aside: Aside, results: Results | None
) -> None:
    db.execute("BEGIN IMMEDIATE")
    try:
        _steps(Work(db, batch, full, aside, results))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _steps(work: Work) -> None:
    batch, spot = work.batch, work.spot
    for change in batch.queues:
        work.db.execute(SET_QUEUE, (change.name, msgspec.json.encode(change.settings)))
    apply_tokens(work.db, batch.tokens)
    spot.begin(SUBMITS)
    store_submits(work)
    spot.begin(CHANGES)
    store_changes(work)
    spot.begin(NOTES)
    if batch.notes:
        notes = [(note.progress, note.id, note.attempt) for note in batch.notes if note.id not in work.aside]
        work.db.executemany(NOTE, spot.each([note for note in notes if note[1] not in work.silent], 1))
    spot.begin(LOGS)
    if batch.logs:
        store_logs(work)
    if batch.files:
        spot.begin(FILES)
        attach_files(work)
    spot.begin(SWEEP)
    if batch.sweep and not work.no_sweep:
        sweep(work)
    spot.begin(GATES)
    if work.has_gates or batch.queues:
        open_gates(work)
    elif batch.sweep:
        work.db.execute("DELETE FROM ended_parents")  # nobody waits for them any more
    spot.begin(CLAIMS)
    claim(work)
    spot.begin(SUMS)
    _sums(work)
    if work.released:
        batch.dropped = remove_unnamed(work.db, work.released)
    spot.begin(SWEEP)
    batch.next_wake = None if work.no_sweep else next_wake(work.db, work.now, work.aside_json)


def _sums(work: Work) -> None:
    rows = [(lane, state, jobs) for (lane, state), jobs in work.counts.items() if jobs]
    work.db.executemany(ADD_COUNT, rows)
    for lane in work.emptied:
        if not work.db.execute("SELECT sum(jobs) FROM counts WHERE lane = ?", (lane,)).get:
            work.db.execute("DELETE FROM counts WHERE lane = ?", (lane,))
            work.db.execute("DELETE FROM lanes WHERE lane = ?", (lane,))


def next_wake(db: apsw.Connection, now: int, aside: bytes = b"") -> int | None:
    """When the next sweep is due, epoch milliseconds: at once while children wait to be told of their parents' end.
    Jobs `aside` are never due."""
    wake: int | None = (db.execute(NEXT_WAKE_NOT_ASIDE, (now, aside)) if aside else db.execute(NEXT_WAKE, (now,))).get
    return wake
