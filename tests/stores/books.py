"""A store in a test's hands: plain calls in, one batch each, with a clock that the test moves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from msgspec import Raw

from hirehall.core import lifecycle
from hirehall.core.intake import Ids, draft, lane_key
from hirehall.core.lanes import lane_number
from hirehall.core.lifecycle import Step
from hirehall.core.operations import (
    Batch,
    Change,
    Claim,
    Edit,
    LogChunk,
    NewJob,
    ProgressNote,
    QueueChange,
    Recovered,
    Seat,
    Submit,
)
from hirehall.core.queues import QueueLine
from hirehall.model import EVERYTHING, Instant, JobSpec, LaneKey, QueueSettings, Scope, State, StoredJob
from hirehall.ports import ByIds, Found, Query, Search, Store, T
from tests.stores.makers import StoreMaker

START_MS = 1_800_000_000_000
ANNA, BERT, CARL = "team/anna", "team/bert", "team/carl"
LEASE_SECONDS = 30.0
SHARE = "team"


class Books:
    """One open store. Every call that changes something is a batch of its own unless it is given one."""

    def __init__(self, make: Callable[[], Store], run: Callable[[Any], Any]) -> None:
        self._make, self.run = make, run
        self.wall_ms = START_MS
        self.lines: dict[str, QueueLine] = {}
        self.store = make()
        self._open()

    def _open(self) -> None:
        self.run(self.store.open())
        found = self.recover()
        self.ids = Ids(found.database, found.last_id)

    def recover(self) -> Recovered:
        return self.run(self.store.recover())

    def close(self) -> None:
        self.run(self.store.close())

    def reopen(self) -> None:
        """Close, and open the same jobs with a new store."""
        self.close()
        self.store = self._make()
        self._open()

    def pass_time(self, seconds: float) -> None:
        self.wall_ms += round(seconds * 1000)

    # Batches.

    def batch(self) -> Batch:
        return Batch(Instant(0.0, self.wall_ms))

    def apply(self, batch: Batch) -> Batch:
        batch.now = Instant(0.0, self.wall_ms)
        batch.lock_limits = {name: line.settings.lock_limit for name, line in self.lines.items()}
        self.run(self.store.apply(batch))
        self.last = batch
        return batch

    # Queues.

    def line(self, name: str) -> QueueLine:
        """The queue of this name, as a core that set it would have it."""
        return self.lines.setdefault(name, QueueLine(name))

    def add_queue(self, batch: Batch, name: str, **settings: Any) -> None:
        """New settings of a queue, whole, as part of `batch`."""
        wanted, line = QueueSettings(**settings), self.line(name)
        batch.queues.append(QueueChange(name, wanted, wanted.lock_limit > line.settings.lock_limit))
        line.set(wanted)

    def set_queue(self, name: str = "default", **settings: Any) -> Batch:
        batch = self.batch()
        self.add_queue(batch, name, **settings)
        return self.apply(batch)

    # Submitting.

    def new_job(self, batch: Batch, spec: JobSpec, owner: str = "team", session: int = 7) -> NewJob:
        """The job of `spec` as the core would make it, its lane declared in `batch`."""
        job = draft(spec, self.line(spec.queue), owner, session, self.wall_ms)
        key = LaneKey(*lane_key(spec, SHARE))
        job.id, job.lane = self.ids.take(self.wall_ms), lane_number(key)
        batch.lanes[job.lane] = key
        return job

    def add_submit(self, batch: Batch, *specs: JobSpec, owner: str = "team") -> Submit:
        submit = Submit([self.new_job(batch, spec, owner) for spec in specs])
        batch.submits.append(submit)
        return submit

    def submit(self, *specs: JobSpec, owner: str = "team") -> Submit:
        """One request, all or nothing."""
        batch = self.batch()
        submit = self.add_submit(batch, *specs, owner=owner)
        self.apply(batch)
        return submit

    def one(self, kind: str = "work", **fields: Any) -> int:
        """The id of a new job."""
        return self.submit(spec(kind, **fields)).ids[0]

    def place(self, job: NewJob, holder: str) -> NewJob:
        """Make a new job one that was given to a free worker in the same call."""
        job.state, job.attempt, job.wake_at = State.RUNNING, 1, None
        job.holder, job.worker, job.lease_seconds = holder, name_of(holder), LEASE_SECONDS
        return job

    # Changing.

    def change(self, step: Step, job: int, target: State | None, **fields: Any) -> Change:
        change = Change(step, job, target, **fields)
        batch = self.batch()
        batch.changes.append(change)
        self.apply(batch)
        return change.each[0]

    def succeed(self, job: int, attempt: int = 1, holder: str = ANNA, result: bytes = b"1", **fields: Any) -> Change:
        return self.change(
            lifecycle.SUCCEED, job, State.SUCCEEDED, attempt=attempt, holder=holder, result=result, **fields
        )

    def succeed_in_hand(self, job: int, attempt: int = 1, holder: str = ANNA, result: bytes = b"1") -> Change:
        return self.change(
            lifecycle.SUCCEED, job, State.SUCCEEDED, attempt=attempt, holder=holder, in_hand=True,
            lane=self.lane_of(job), results=[result],
        )  # fmt: skip

    def end(self, step: Step, job: int, target: State, attempt: int = 1, holder: str = ANNA, **fields: Any) -> Change:
        """A step of a lease in hand."""
        return self.change(step, job, target, attempt=attempt, holder=holder, in_hand=True, **fields)

    def lose(self, job: int, attempt: int = 1, holder: str = ANNA) -> Change:
        return self.end(lifecycle.LOSE, job, State.READY, attempt, holder)

    def cancel(self, job: int, scope: Scope = EVERYTHING) -> Change:
        return self.change(lifecycle.CANCEL, job, State.CANCELLED, scope=scope)

    def want(self, step: Step, job: int, edit: Edit | None = None, scope: Scope = EVERYTHING) -> Change:
        """Cancel, retry, change or remove, as the core asks for people."""
        targets = {lifecycle.CANCEL: State.CANCELLED, lifecycle.REMOVE: None, lifecycle.DISCARD: None}
        return self.change(step, job, targets.get(step, State.READY), scope=scope, edit=edit)

    def retry(self, job: int) -> Change:
        return self.want(lifecycle.RETRY, job)

    def remove(self, job: int) -> Change:
        return self.want(lifecycle.REMOVE, job)

    def edit(self, job: int, **fields: Any) -> Change:
        """`change`, with the fields of an Edit."""
        return self.want(lifecycle.CHANGE, job, Edit(**fields))

    def start(self, *jobs: int, holder: str = ANNA) -> None:
        """These jobs, the next of their lanes, are handed out."""
        for job in jobs:
            assert self.claimed(self.lane_of(job), holder) == [job]

    def finish(self, *jobs: int) -> None:
        """These jobs, the next of their lanes, run and succeed."""
        for job in jobs:
            self.start(job)
            assert self.succeed_in_hand(job, self.job(job).attempt).answer == "applied"

    def claim(self, lane: int, *holders: str, claim_bytes: int = 1 << 20) -> Claim:
        claim = Claim(lane, [seat(holder) for holder in holders])
        batch = self.batch()
        batch.claim_bytes = claim_bytes
        batch.claims.append(claim)
        self.apply(batch)
        return claim

    def claimed(self, lane: int, *holders: str) -> list[int]:
        return [row.id for row in self.claim(lane, *holders).rows]

    def note(self, job: int, attempt: int, progress: bytes) -> None:
        batch = self.batch()
        batch.notes.append(ProgressNote(job, attempt, progress))
        self.apply(batch)

    def log(self, job: int, attempt: int, entries: bytes) -> int:
        """Append to an attempt's log; where that begins."""
        batch = self.batch()
        batch.logs.append(LogChunk(job, attempt, entries))
        return self.apply(batch).logs[0].at_byte

    def sweep_all(self) -> int:
        """Sweep until nothing is left to do; how many sweeps that took."""
        sweeps = 1
        while self.sweep().sweep_again:
            sweeps += 1
        return sweeps

    def sweep(self) -> Batch:
        batch = self.batch()
        batch.sweep = True
        return self.apply(batch)

    # Reading.

    def read(self, *ids: int, scope: Scope = EVERYTHING) -> list[StoredJob]:
        return self.run(self.store.read(ByIds(list(ids), scope)))

    def job(self, number: int) -> StoredJob:
        (job,) = self.read(number)
        return job

    def ask(self, query: Query[T]) -> T:
        return self.run(self.store.read(query))

    def find(self, limit: int = 1_000, **filters: Any) -> Found:
        """With the time that a search of all needs."""
        return self.ask(Search(limit, **{"seconds": 60.0, **filters}))

    def page(self, limit: int = 1_000, **filters: Any) -> list[StoredJob]:
        return self.find(limit, **filters).jobs

    def all_jobs(self) -> list[StoredJob]:
        """Every stored job with all that is kept of it, the newest first."""
        ids = page = [job.id for job in self.page()]
        while len(page) == 1_000:
            page = [job.id for job in self.page(before=page[-1])]
            ids = ids + page
        return self.run(self.store.read(ByIds(ids, max_bytes=1 << 30)))

    def states(self, *ids: int) -> list[str]:
        return [job.state.word for job in self.read(*ids)]

    def lane_of(self, job: int) -> int:
        return lane_number(key_of(self.job(job)))

    def check_sums(self, maker: StoreMaker) -> None:
        """Counts, lanes, running leases and the next stored time are what a look at every job says; nothing stands
        beside a job that is not there."""
        jobs, found = self.all_jobs(), self.recover()
        ready = Counter(key_of(job) for job in jobs if job.state is State.READY)
        assert {key: count for _, key, count in found.lanes} == ready
        assert {row.id for row in found.running} == {job.id for job in jobs if job.state is State.RUNNING}
        assert found.next_wake == min((job.wake_at for job in jobs if job.wake_at is not None), default=None)
        assert maker.counted(self.store) == maker.real(self.store)
        assert maker.declared(self.store) == {lane for lane, _ in maker.real(self.store)}
        assert maker.leftovers(self.store) == []


StoreFactory = Callable[[], Books]


def name_of(holder: str) -> str:
    """What people call this worker."""
    return holder.partition("/")[2]


def seat(holder: str) -> Seat:
    """A free place in this worker's hands."""
    return Seat(holder, LEASE_SECONDS, worker=name_of(holder))


def spec(kind: str = "work", payload: bytes = b"null", **fields: Any) -> JobSpec:
    return JobSpec(kind=kind, payload=Raw(payload), **fields)


def key_of(job: StoredJob) -> LaneKey:
    return LaneKey(job.queue, job.kind, job.requires, job.share, job.priority)


def lane(kind: str = "work", queue: str = "default", priority: int = 0) -> int:
    """The number of a plain job's lane."""
    return lane_number(LaneKey(queue, kind, "{}", SHARE, priority))
