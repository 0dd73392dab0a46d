"""What a store should do, on paper: a dict of jobs and the rules, for the state machine to compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from msgspec import UNSET

from hirehall.core.intake import DRAFT_MS
from hirehall.core.operations import SWEEP_JOBS, Edit
from hirehall.model import FINAL, JobSpec, State, id_number
from tests.stores.books import lane

S = State


@dataclass(frozen=True)
class PaperJob:
    """One job, as far as rules look at it."""

    id: int
    kind: str
    priority: int
    payload: bytes
    key: str | None
    state: State
    expires_at: int | None
    wake_at: int | None
    keep_ms: int
    place: int
    attempt: int = 0
    forgiven: int = 0
    holder: str | None = None
    lost: bool = False
    result: bytes | None = None
    lock: str | None = None
    after: frozenset[int] = frozenset()
    waits: frozenset[int] = frozenset()  # those of `after` that have not succeeded
    gated: bool = False  # it asks for `after` and `lock` when its time has come

    @property
    def lane(self) -> int:
        return lane(self.kind, priority=self.priority)

    @property
    def in_place(self) -> bool:
        """Whether it holds a place of its lock, if it has one."""
        return self.state in (S.READY, S.RUNNING)

    @property
    def claimable_until(self) -> float:
        """A job that never started may expire."""
        return float("inf") if self.expires_at is None or self.attempt else self.expires_at

    def ended(self, state: State, now: int) -> PaperJob:
        return replace(self, state=state, wake_at=now + self.keep_ms, lost=False)


class Paper:
    """All jobs. `now` is epoch milliseconds. Whoever changes something calls `open_gates` when that is done."""

    def __init__(self) -> None:
        self.jobs: dict[int, PaperJob] = {}
        self.lock_limit = 1
        self.dues: dict[int, int | None] = {}  # of drafts

    def by_key(self, key: str) -> PaperJob | None:
        return next((job for job in self.jobs.values() if job.key == key), None)

    def submit(self, news: list[tuple[int, JobSpec]], now: int) -> list[int] | None:
        """The ids that answer (id, spec) of one request; None for a conflict."""
        before, ids = dict(self.jobs), []
        for number, spec in news:
            twin = self.by_key(spec.key) if spec.key else None
            if twin is not None and (twin.kind, twin.payload) != (spec.kind, bytes(spec.payload)):
                self.jobs = before
                return None
            if twin is None:
                self.jobs[number] = self._new(number, spec, now)
            ids.append(twin.id if twin else number)
        return ids

    def _new(self, number: int, spec: JobSpec, now: int) -> PaperJob:
        expires = None if spec.ttl_seconds is None else now + round(spec.ttl_seconds * 1000)
        due = None if not spec.delay_seconds else now + round(spec.delay_seconds * 1000)
        after = frozenset(map(id_number, spec.after or []))
        gated = bool(after or spec.lock)
        state = S.SCHEDULED if due is not None else S.BLOCKED if gated else S.READY
        wake = expires if due is None else due
        if spec.draft:
            self.dues[number], state, wake = due, S.DRAFT, now + DRAFT_MS
            return PaperJob(
                number, spec.kind, spec.priority, bytes(spec.payload), spec.key, state, expires, wake,
                round((spec.keep_seconds or 0.0) * 1000), number, lock=spec.lock, after=after,
            )  # fmt: skip
        keep = round((spec.keep_seconds or 0.0) * 1000)
        return PaperJob(
            number, spec.kind, spec.priority, bytes(spec.payload), spec.key, state, expires, wake, keep, number,
            lock=spec.lock, after=after, waits=after, gated=gated,
        )  # fmt: skip

    # Gates.

    def open_gates(self, now: int) -> set[int]:
        """Tell children of their parents' ends, let in whom nothing keeps any more. The jobs that moved."""
        moved: set[int] = set()
        while told := {job.id for job in self.jobs.values() if self._hear(job, now)}:
            moved |= told
        for lock in {job.lock for job in self.jobs.values()}:
            moved |= self._let_in(lock)
        return moved

    def _hear(self, job: PaperJob, now: int) -> bool:
        """What this job's parents became. Whether that cancels it."""
        if job.state in FINAL or not job.waits:
            return False
        states = {parent: self.jobs[parent].state if parent in self.jobs else None for parent in job.waits}
        if any(state is None or (state in FINAL and state is not S.SUCCEEDED) for state in states.values()):
            self.jobs[job.id] = job.ended(S.CANCELLED, now)
            return True
        waits = frozenset(parent for parent, state in states.items() if state is not S.SUCCEEDED)
        self.jobs[job.id] = replace(job, waits=waits)
        return False

    def _let_in(self, lock: str | None) -> set[int]:
        mine = [job for job in self.jobs.values() if job.lock == lock]
        wanting = [job for job in mine if job.state is S.BLOCKED and not job.waits]
        wanting.sort(key=lambda job: (-job.priority, job.id))
        if lock is not None:
            wanting = wanting[: max(self.lock_limit - sum(job.in_place for job in mine), 0)]
        for job in wanting:
            self.jobs[job.id] = replace(job, state=S.READY)
        return {job.id for job in wanting}

    # What people do.

    def commit(self, number: int, now: int) -> str:
        job = self.jobs[number]
        if job.state is not S.DRAFT:
            return "duplicate"
        gated, due = bool(job.after or job.lock), self.dues.pop(number)
        if due is not None and due > now:
            job = replace(job, state=S.SCHEDULED, wake_at=due)
        else:
            job = replace(job, state=S.BLOCKED if gated else S.READY, wake_at=job.expires_at)
        self.jobs[number] = replace(job, waits=job.after, gated=gated)
        return "applied"

    def discard(self, number: int) -> str:
        if self.jobs[number].state is not S.DRAFT:
            return "wrong_state"
        del self.jobs[number]
        return "applied"

    def retry(self, number: int) -> str:
        job = self.jobs[number]
        if job.state not in FINAL or job.state is S.SUCCEEDED:
            return "wrong_state"
        parents = frozenset() if job.attempt else job.after
        if any(p not in self.jobs or self.jobs[p].state in FINAL - {S.SUCCEEDED} for p in parents):
            return "wrong_state"
        gated = bool(parents or job.lock)
        self.jobs[number] = replace(
            job, state=S.BLOCKED if gated else S.READY, forgiven=job.attempt, expires_at=None, wake_at=None,
            lost=False, result=None, waits=parents, gated=gated,
        )  # fmt: skip
        return "applied"

    def remove(self, number: int) -> str:
        if self.jobs[number].state not in FINAL:
            return "wrong_state"
        del self.jobs[number]
        return "applied"

    def change(self, number: int, edit: Edit, now: int) -> str:
        """An edit of `priority`, `due` and `expires_at`."""
        job = self.jobs[number]
        if job.state in FINAL or job.state in (S.RUNNING, S.DRAFT):
            return "wrong_state"
        due = edit.due if edit.due is not UNSET else job.wake_at if job.state is S.SCHEDULED else None
        expires = job.expires_at if edit.expires_at is UNSET else edit.expires_at
        priority = job.priority if edit.priority is UNSET else edit.priority
        lost = job.lost and priority == job.priority  # in another lane it is no longer its old worker's to keep
        job = replace(job, priority=priority, expires_at=expires, lost=lost)
        if due is not None and due > now:
            if not job.attempt and expires is not None and expires <= due:
                return "conflict"
            job = replace(job, state=S.SCHEDULED, wake_at=due)
        else:
            woken = S.BLOCKED if job.gated else S.READY
            state = woken if job.state is S.SCHEDULED else job.state
            job = replace(job, state=state, wake_at=None if job.attempt else expires)
        self.jobs[number] = job
        return "applied"

    # Work.

    def waiting(self, lane: int) -> list[PaperJob]:
        found = [job for job in self.jobs.values() if job.lane == lane and job.state is S.READY]
        return sorted(found, key=lambda job: job.place)

    def claim(self, lane: int, holders: list[str], now: int) -> list[int]:
        alive = [job for job in self.waiting(lane) if job.claimable_until > now]
        for job, holder in zip(alive, holders, strict=False):
            self.jobs[job.id] = replace(
                job, state=S.RUNNING, attempt=job.attempt + 1, holder=holder, lost=False, wake_at=None
            )
        return [job.id for job in alive[: len(holders)]]

    def holds(self, number: int, attempt: int, holder: str) -> bool:
        job = self.jobs[number]
        return job.state is S.RUNNING and (job.attempt, job.holder) == (attempt, holder)

    def succeed(self, number: int, attempt: int, holder: str, result: bytes, now: int) -> str:
        job = self.jobs[number]
        if (job.attempt, job.holder) != (attempt, holder):
            return "stale"
        if job.state is S.RUNNING or (job.state is S.READY and job.lost):
            self.jobs[number] = replace(job.ended(S.SUCCEEDED, now), result=result)
            return "applied"
        return "duplicate" if job.state is S.SUCCEEDED else "stale"

    def end(self, number: int, target: State, now: int, wake_at: int | None, **fields: object) -> None:
        """Fail, release, lose or timeout of an attempt in hand."""
        job = self.jobs[number]
        ended = job.ended(target, now) if target in FINAL else replace(job, state=target, wake_at=wake_at)
        self.jobs[number] = replace(ended, **fields)  # type: ignore[arg-type]

    def last_place(self, number: int) -> int:
        job = self.jobs[number]
        return max([job.place, *(other.place + 1 for other in self.waiting(job.lane))])

    def resume(self, number: int, attempt: int, holder: str) -> str:
        job = self.jobs[number]
        if job.state is S.READY and job.lost and (job.attempt, job.holder) == (attempt, holder):
            self.jobs[number] = replace(job, state=S.RUNNING, lost=False, wake_at=None)
            return "applied"
        return "stale"

    def cancel(self, number: int, now: int) -> str:
        job = self.jobs[number]
        if job.state in FINAL or job.state is S.DRAFT:
            return "wrong_state"
        self.jobs[number] = job.ended(S.CANCELLED, now)
        return "applied"

    def sweep(self, now: int) -> set[int]:
        due = {job.id for job in self.jobs.values() if job.wake_at is not None and job.wake_at <= now}
        assert len(due) <= SWEEP_JOBS
        for number in due:
            job = self.jobs.pop(number)
            if job.state in FINAL or job.state is S.DRAFT:
                continue
            expired = job.claimable_until <= now
            woken = S.BLOCKED if job.gated else S.READY
            alive = replace(job, state=woken, lost=False, wake_at=None if job.attempt else job.expires_at)
            self.jobs[number] = job.ended(S.EXPIRED, now) if expired else alive
        return due | self.open_gates(now)
