"""What the steps of one SQLite transaction share: the connection, the sums, and what left or ended."""

from __future__ import annotations

from collections import defaultdict

import apsw

from hirehall.core.operations import Batch, NewJob
from hirehall.errors import HallError
from hirehall.model import FINAL, LaneKey, State
from hirehall.stores.sqlite_damage import LOGS, SETTINGS, Aside
from hirehall.stores.sqlite_refs import let_go
from hirehall.stores.sqlite_runs import Results, runs

FIND_LANE = "SELECT queue, kind, requires, share, priority FROM lanes WHERE lane = ?"


class Unexpected(Exception):
    """A row is not as the leases in hand say: the batch must look at each job on its own."""


class Work:
    """One batch on its way into the database. Times are epoch milliseconds. Without `results` no statement changes
    many jobs."""

    def __init__(
        self, db: apsw.Connection, batch: Batch, full: HallError | None, aside: Aside, results: Results | None
    ) -> None:
        self.db = db
        self.batch = batch
        self.is_full = full is not None
        self.closed = full or aside.refusal  # why nothing new can be stored, if so
        self.aside = aside.jobs  # they cannot be read or changed
        self.aside_json = aside.as_json
        self.silent = aside.silent  # jobs whose logs and progress cannot be stored
        self.no_sweep = aside.no_sweep
        self.spot = aside.spot
        self.results = results
        self.spot.begin(SETTINGS)
        self.now = batch.now.wall_ms
        self.counts: defaultdict[tuple[int, int], int] = defaultdict(int)  # (lane, state) -> change
        self.has_gates = self.is_there("gates")
        self.keeps_logs = not aside.no_logs
        # For the gates: jobs that are neither ready nor running any more, and parents that ended.
        self.left: set[int] = set()
        self.ended: dict[int, State] = {}
        self.doomed: dict[int, bytes] = {}  # new jobs whose parents cannot succeed, and the fault that says so
        self.wanting: list[tuple[int, str, str | None]] = []  # (job, queue, lock) that could go if the lock lets them
        self.admitted: list[NewJob] = []  # new jobs with a gate
        self.waiting_room = dict(batch.waiting_room)
        self.released: set[bytes] = set()  # contents that lost a file
        self.emptied: set[int] = set()  # lanes that lost jobs for good, perhaps their last
        self.wanted_locks: dict[tuple[str, str], None] = {}  # (queue, lock) that may have a free place

    def is_there(self, table: str) -> bool:
        """Whether a table has any row."""
        return bool(self.db.execute(f"SELECT EXISTS (SELECT 1 FROM {table})").get)

    def move(self, job: int, lane: int, was: State, state: State | None, *, new_lane: int | None = None) -> None:
        """Count a job that changed its state (None: it is removed), and remember what gates must know."""
        self.counts[lane, int(was)] -= 1
        if state is not None:
            self.counts[lane if new_lane is None else new_lane, int(state)] += 1
        if self.has_gates and state is not None and state is not State.READY and state is not State.RUNNING:
            self.left.add(job)
            if state in FINAL:
                self.ended[job] = state
        elif self.has_gates and state is None and was is State.DRAFT:  # discarded: who waits for it waits in vain
            self.ended[job] = State.CANCELLED

    def remember_lane(self, lane: int) -> LaneKey:
        """What the lane stands for, also for the core."""
        key = self.batch.lanes.get(lane)
        if key is None:
            key = self.batch.lanes[lane] = LaneKey(*next(self.db.execute(FIND_LANE, (lane,))))
        return key

    def declare(self, lanes: set[int]) -> None:
        """Note down what these lanes, all in `batch.lanes`, stand for."""
        rows = [(lane, *self.batch.lanes[lane]) for lane in lanes]
        self.db.executemany("INSERT OR IGNORE INTO lanes VALUES (?, ?, ?, ?, ?, ?)", rows)

    def delete(self, jobs: list[int]) -> None:
        """Remove jobs that have ended, with everything beside them. The largest id ever given out stays known."""
        if not jobs:
            return
        rows, part = [(job,) for job in jobs], self.spot.part
        self.db.execute("UPDATE meta SET value = max(value, ?) WHERE name = 'last_id'", (max(jobs),))
        self._delete_rows(jobs)
        if self.is_there("tags"):
            self.db.executemany("DELETE FROM tags WHERE id = ?", self.spot.each(rows))
        if self.is_there("files"):
            for row in self.spot.each(rows):
                let_go(self.db, self.released, "job = ?", row)
        if self.keeps_logs:  # lines that cannot be removed are left: no id is given twice
            self.spot.begin(LOGS)
            if self.is_there("logs"):
                loud = [(job,) for job in jobs if job not in self.silent]
                self.db.executemany("DELETE FROM logs WHERE job = ?", self.spot.each(loud))
            self.spot.begin(part)

    def _delete_rows(self, jobs: list[int]) -> None:
        if self.results is None:
            self.db.executemany("DELETE FROM jobs WHERE id = ?", self.spot.each([(job,) for job in jobs]))
            return
        for _, run in runs(sorted(jobs), lambda job: (job, 1, ())):
            self.db.execute("DELETE FROM jobs NOT INDEXED WHERE id BETWEEN ? AND ?", (run[0], run[-1]))
