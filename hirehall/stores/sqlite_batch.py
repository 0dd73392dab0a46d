"""One batch as one SQLite transaction: the order of its steps, and the sums at its end."""

from __future__ import annotations

import apsw
import msgspec

from hirehall.core.operations import Batch
from hirehall.stores.sqlite_changes import store_changes
from hirehall.stores.sqlite_gates import open_gates
from hirehall.stores.sqlite_logs import store_logs
from hirehall.stores.sqlite_submits import store_submits
from hirehall.stores.sqlite_sweep import claim, sweep
from hirehall.stores.sqlite_tokens import apply_tokens
from hirehall.stores.sqlite_work import Work

SET_QUEUE = "INSERT INTO queues VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET settings = excluded.settings"
NOTE = "UPDATE jobs SET progress = ? WHERE id = ? AND attempt = ? AND state = 3"
ADD_COUNT = "INSERT INTO counts VALUES (?, ?, ?) ON CONFLICT (lane, state) DO UPDATE SET jobs = jobs + excluded.jobs"


def carry_out(db: apsw.Connection, batch: Batch) -> None:
    """All of the batch or, when anything raises, none; fills its answers."""
    db.execute("BEGIN IMMEDIATE")
    try:
        _steps(Work(db, batch))
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def _steps(work: Work) -> None:
    batch = work.batch
    for change in batch.queues:
        work.db.execute(SET_QUEUE, (change.name, msgspec.json.encode(change.settings)))
    apply_tokens(work.db, batch.tokens)
    store_submits(work)
    store_changes(work)
    if batch.notes:
        work.db.executemany(NOTE, [(note.progress, note.id, note.attempt) for note in batch.notes])
    if batch.logs:
        store_logs(work)
    if batch.sweep:
        sweep(work)
    if work.has_gates or batch.queues:
        open_gates(work)
    elif batch.sweep:
        work.db.execute("DELETE FROM ended_parents")  # nobody waits for them any more
    claim(work)
    _sums(work)


def _sums(work: Work) -> None:
    rows = [(lane, state, jobs) for (lane, state), jobs in work.counts.items() if jobs]
    work.db.executemany(ADD_COUNT, rows)
    for lane in work.emptied:
        if not work.db.execute("SELECT sum(jobs) FROM counts WHERE lane = ?", (lane,)).get:
            work.db.execute("DELETE FROM counts WHERE lane = ?", (lane,))
            work.db.execute("DELETE FROM lanes WHERE lane = ?", (lane,))
    work.batch.next_wake = next_wake(work.db, work.now)


def next_wake(db: apsw.Connection, now: int) -> int | None:
    """When the next sweep is due, epoch milliseconds: at once while children wait to be told of their parents' end."""
    if db.execute("SELECT EXISTS (SELECT 1 FROM ended_parents)").get:
        return now
    earliest: int | None = db.execute("SELECT min(wake_at) FROM jobs WHERE wake_at IS NOT NULL").get
    return earliest
