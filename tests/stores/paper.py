"""What a store should do, on paper: a dict of jobs and the rules, for the state machine to compare with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from hirehall.core.operations import SWEEP_JOBS
from hirehall.model import FINAL, JobSpec, State

S = State


@dataclass(frozen=True)
class PaperJob:
    """One job, as far as rules look at it."""

    id: int
    lane: int
    kind: str
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

    @property
    def claimable_until(self) -> float:
        """A job that never started may expire."""
        return float("inf") if self.expires_at is None or self.attempt else self.expires_at

    def ended(self, state: State, now: int) -> PaperJob:
        return replace(self, state=state, wake_at=now + self.keep_ms, lost=False)


class Paper:
    """All jobs. `now` is epoch milliseconds."""

    def __init__(self) -> None:
        self.jobs: dict[int, PaperJob] = {}

    def by_key(self, key: str) -> PaperJob | None:
        return next((job for job in self.jobs.values() if job.key == key), None)

    def submit(self, news: list[tuple[int, int, JobSpec]], now: int) -> list[int] | None:
        """The ids that answer (id, lane, spec) of one request; None for a conflict."""
        before, ids = dict(self.jobs), []
        for number, lane, spec in news:
            twin = self.by_key(spec.key) if spec.key else None
            if twin is not None and (twin.kind, twin.payload) != (spec.kind, bytes(spec.payload)):
                self.jobs = before
                return None
            if twin is None:
                self.jobs[number] = self._new(number, lane, spec, now)
            ids.append(twin.id if twin else number)
        return ids

    def _new(self, number: int, lane: int, spec: JobSpec, now: int) -> PaperJob:
        expires = None if spec.ttl_seconds is None else now + round(spec.ttl_seconds * 1000)
        due = None if not spec.delay_seconds else now + round(spec.delay_seconds * 1000)
        state = S.READY if due is None else S.SCHEDULED
        wake = expires if due is None else due
        keep = round(spec.keep_seconds * 1000)
        return PaperJob(number, lane, spec.kind, bytes(spec.payload), spec.key, state, expires, wake, keep, number)

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
        if job.state in FINAL:
            return "wrong_state"
        self.jobs[number] = job.ended(S.CANCELLED, now)
        return "applied"

    def sweep(self, now: int) -> set[int]:
        due = {job.id for job in self.jobs.values() if job.wake_at is not None and job.wake_at <= now}
        assert len(due) <= SWEEP_JOBS
        for number in due:
            job = self.jobs.pop(number)
            if job.state in FINAL:
                continue
            expired = job.claimable_until <= now
            alive = replace(job, state=S.READY, lost=False, wake_at=None if job.attempt else job.expires_at)
            self.jobs[number] = job.ended(S.EXPIRED, now) if expired else alive
        return due
