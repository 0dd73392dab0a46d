"""Jobs that the disk has damaged: they are set aside, so that all the others go on.

What stands on a damaged page cannot be read, and so not be changed either. A batch that meets one is looked through,
each job on its own; those that cannot be read are left where they are, and the batch runs again without them. Only
indexes are asked for the ids: they name a job without reading its page.

A sound job beside such a page may be one that cannot be changed: where its own page grows too full or too empty SQLite
reads the neighbours. So every step says which job it has in hand, and that one is set aside as well. What is missed
less than jobs is let go for this run: log lines and progress of the job in question, the sweep, submits of new jobs.
Whatever else is damaged stops the hall.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

import apsw
import msgspec

from hirehall.core.operations import SWEEP_JOBS, Batch, Claim
from hirehall.errors import Damaged
from hirehall.model import State, id_text
from hirehall.stores.sqlite_pages import is_damage

log = logging.getLogger("hirehall")

REMEDY = "restore the last backup, or what `hirehall backup --salvage` can read"

READY, RUNNING = int(State.READY), int(State.RUNNING)
NOT_ASIDE = "id NOT IN (SELECT value FROM json_each(?))"
OF_LANE = f"SELECT id FROM jobs INDEXED BY jobs_ready WHERE lane = ? AND state = {READY} AND {NOT_ASIDE} ORDER BY place"
DUE = (
    "SELECT id FROM jobs INDEXED BY jobs_wake WHERE wake_at IS NOT NULL AND wake_at <= ?"
    f" AND {NOT_ASIDE} ORDER BY wake_at LIMIT {SWEEP_JOBS}"
)
OF_KEY = "SELECT id FROM jobs INDEXED BY jobs_key WHERE queue = ? AND key = ?"
READY_LANE = f"SELECT lane FROM jobs INDEXED BY jobs_ready WHERE state = {READY} AND id = ?"
IN_HAND = f"SELECT id FROM jobs INDEXED BY jobs_running WHERE state = {RUNNING}"
# Where an index, or the table of gates, names jobs without their pages: every job is in one of them.
NAMED = (
    "SELECT id FROM jobs INDEXED BY jobs_ready WHERE state = 2 AND id > ? AND id < ?",
    "SELECT id FROM jobs INDEXED BY jobs_running WHERE state = 3 AND id > ? AND id < ?",
    "SELECT id FROM jobs INDEXED BY jobs_wake WHERE wake_at IS NOT NULL AND id > ? AND id < ?",
    "SELECT id FROM jobs INDEXED BY jobs_key WHERE key IS NOT NULL AND id > ? AND id < ?",
    "SELECT id FROM gates WHERE id > ? AND id < ?",
)
WHOLE = "SELECT expires_at, attempt, jobs.* FROM jobs WHERE id = ?"
LARGEST_ID = (1 << 63) - 1
SAID_BY_NAME = 20  # jobs that one batch sets aside; of more than these the log tells the number
MOST_BESIDE = 500  # sound jobs set aside in one run: with more than these it is no page of jobs that is damaged
# The parts of a batch, in their order.
SETTINGS, SUBMITS, CHANGES, NOTES, LOGS, FILES, SWEEP, GATES, CLAIMS, SUMS = (
    "settings", "submits", "changes", "notes", "logs", "files", "sweep", "gates", "claims", "sums",
)  # fmt: skip


class Spot:
    """Where a batch is: its part, and the job in hand, if any. It tells what met the damage."""

    def __init__(self) -> None:
        self.part = SETTINGS
        self.job: int | None = None

    def begin(self, part: str) -> None:
        """Another part, no job yet."""
        self.part, self.job = part, None

    def each(self, rows: Iterable[tuple[Any, ...]], at: int = 0) -> Iterator[tuple[Any, ...]]:
        """These rows, with the id in column `at` of each in hand until the next one is asked for."""
        for row in rows:
            self.job = row[at]
            yield row
        self.job = None


class Aside:
    """The jobs of one open database that cannot be read or changed, as far as that is known, and what else is let go.
    Nothing of it outlasts the run."""

    def __init__(self, db: apsw.Connection) -> None:
        self._db = db
        self.spot = Spot()
        self.is_met = False  # damage, by any batch: from then on it is seen which job meets it
        self.jobs: set[int] = set()
        self.as_json = b""  # for SQL; empty while there are none
        self.silent: set[int] = set()  # jobs whose logs and progress cannot be stored
        self.no_logs = False  # nobody's
        self.no_sweep = False
        self.refusal: Damaged | None = None  # what new jobs are answered
        self._beside = 0

    def take(self, batch: Batch) -> bool:
        """Set aside what `batch` cannot read or change. False when that is nothing new: something else is damaged."""
        if not self.is_met:
            self.is_met = True
            return True
        part, job = self.spot.part, self.spot.job
        fresh = self._unreadable(batch)
        if fresh:
            self._tell(batch, fresh)
            return True
        if part in (NOTES, LOGS):
            return self._hush(job)
        if part == SUBMITS or any(job == new.id for submit in batch.submits for new in submit.jobs):
            return self._refuse_new()
        if job is not None and job not in self.jobs and self._beside < MOST_BESIDE:
            self._beside += 1
            log.error("job %s cannot be changed: the disk is damaged beside it; it is set aside", id_text(job))
            self._keep([job])
            self._tell(batch, [job])
            return True
        return part == SWEEP and self.leave_sweeps()

    def leave_sweeps(self) -> bool:
        """Let the stored times pass in this run. False when that is so already."""
        if not self.no_sweep:
            log.error(
                "the disk is damaged where stored times are: until the next start nothing comes due, expires or is"
                " removed by its time; %s",
                REMEDY,
            )
        was, self.no_sweep = self.no_sweep, True
        return not was

    def _unreadable(self, batch: Batch) -> list[int]:
        """Jobs that this batch may read and cannot; none where the indexes that would name them are damaged."""
        try:
            found = _concerned(self._db, batch, self.as_json or b"[]")
            for claim in batch.claims:
                found.update(self._before(claim, batch.now.wall_ms))
        except apsw.Error as exc:
            if not is_damage(exc):
                raise
            return []
        return self._add(found)

    def _before(self, claim: Claim, now: int) -> Iterator[int]:
        """The jobs of a lane, up to the last one that the claim would get: expired ones are passed on the way."""
        wanted = len(claim.seats)
        for (job,) in self._db.execute(OF_LANE, (claim.lane, self.as_json or b"[]")):
            yield job
            row = self._row(job)
            wanted -= row is not None and (row[0] is None or row[0] > now or row[1] > 0)
            if not wanted:
                break

    def _hush(self, job: int | None) -> bool:
        if job is None or len(self.silent) >= MOST_BESIDE:
            was, self.no_logs = self.no_logs, True
            if not was:
                log.error("the disk is damaged where logs are: none are kept until the next start")
            return not was
        if job in self.silent:
            return False
        self.silent.add(job)
        log.error("logs or progress of job %s are damaged: no more of them is kept", id_text(job))
        return True

    def _refuse_new(self) -> bool:
        if self.refusal is not None:
            return False
        self.refusal = Damaged(f"new jobs cannot be stored: the hall's disk is damaged where they go; {REMEDY}")
        log.error("%s", self.refusal.message)
        return True

    def _tell(self, batch: Batch, jobs: list[int]) -> None:
        for job in jobs:
            batch.aside += [lane for (lane,) in self._db.execute(READY_LANE, (job,))]

    def running(self) -> Iterator[int]:
        """Running jobs that can be read; the others are set aside."""
        jobs = [job for (job,) in self._db.execute(IN_HAND)]
        self._add(jobs)
        return (job for job in jobs if job not in self.jobs)

    def last_id(self) -> int:
        """The largest id of a job, from where it stands beside its page."""
        bounds = (-1, LARGEST_ID)
        return max(int(self._db.execute(f"SELECT coalesce(max(id), 0) FROM ({ids})", bounds).get) for ids in NAMED)

    def _add(self, jobs: Iterable[int]) -> list[int]:
        fresh = [job for job in jobs if job not in self.jobs and self._row(job) is None]
        for job in fresh[:SAID_BY_NAME]:
            log.error(
                "job %s cannot be read: the disk is damaged there; it is set aside, the others go on", id_text(job)
            )
        if len(fresh) > SAID_BY_NAME:
            log.error("%s more jobs cannot be read either", len(fresh) - SAID_BY_NAME)
        self._keep(fresh)
        return fresh

    def _keep(self, jobs: list[int]) -> None:
        self.jobs.update(jobs)
        self.as_json = msgspec.json.encode(sorted(self.jobs)) if self.jobs else b""

    def _row(self, job: int) -> tuple[Any, ...] | None:
        """The whole row, None where it cannot be read; what is not there has nothing in it."""
        try:
            found: tuple[Any, ...] | None = self._db.execute(WHOLE, (job,)).fetchone()
        except apsw.Error as exc:
            if is_damage(exc):
                return None
            raise
        return (None, 0) if found is None else found


def _concerned(db: apsw.Connection, batch: Batch, aside: bytes) -> set[int]:
    """Every job that the batch may read; those of its claims are told apart while they are read."""
    found = {change.id for change in batch.changes} | {note.id for note in batch.notes} | {one.id for one in batch.logs}
    found |= {attach.job for attach in batch.files}
    for submit in batch.submits:
        for job in submit.jobs:
            found.update(job.after)
            if job.spec.key is not None:
                found.update(twin for (twin,) in db.execute(OF_KEY, (job.spec.queue, job.spec.key)))
    if batch.sweep:
        found.update(job for (job,) in db.execute(DUE, (batch.now.wall_ms, aside)))
    return found
