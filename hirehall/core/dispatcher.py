"""The core: calls in, one batch of operations out, answers in, effects out. No clock, socket, store or await.

turn(now)   -> every entry begins with it: what time it is
submit, cancel, and the calls of `leases`   -> operations in the collecting batch
tick()      -> what is due; answers when to be called next
seal()      -> the batch, with claims for all free credit
settle()    -> leases, credit and pushes from the store's answers
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from hirehall.core import intake, lifecycle
from hirehall.core.collecting import Collecting
from hirehall.core.effects import CANCELLED, Effects, End
from hirehall.core.lanes import Crew, Hallway, Lane
from hirehall.core.leases import LATE_SECONDS, Leases
from hirehall.core.operations import (
    APPLIED,
    MAX_OPERATIONS,
    Batch,
    Change,
    Claim,
    Claimed,
    Moved,
    NewJob,
    ProgressNote,
    Recovered,
    Seat,
    Submit,
)
from hirehall.core.timers import Timer, Timers
from hirehall.core.workers import Worker
from hirehall.model import FINAL, Instant, JobSpec, Scope, State, holder_text

TICK_SECONDS = 1.0  # the longest time between two ticks: a longer one means that the machine slept
NOTE_SECONDS = 1.0  # progress is stored this often
IDLE_LANES = 10_000


class Dispatcher:
    """Everything in hand. `roll` answers a random number in [0, 1) for the jitter of backoffs."""

    def __init__(self, recovered: Recovered, now: Instant, roll: Callable[[], float]) -> None:
        self.now = now
        self.collecting = Collecting(now)
        self.hallway = Hallway()
        self._timers = Timers()
        self.leases = Leases(self.collecting, self.hallway, self._timers, roll, now)
        self._ids = intake.Ids(recovered.database, recovered.last_id)
        self._next_wake = recovered.next_wake
        self._promised_tick = now.mono + TICK_SECONDS
        self._noted_at = now.mono
        for _, key, ready in recovered.lanes:
            self.hallway.add_ready(self.hallway.lane(key), ready)
        for job in recovered.running:
            job.payload = b""  # its worker has it already
            self.leases.restore(job)

    # Time.

    def turn(self, now: Instant) -> None:
        """It is `now`. If this turn comes late, the machine slept, and no lease pays for it."""
        if now.mono - self._promised_tick > LATE_SECONDS:
            self.leases.forgive(now.mono - self.now.mono)
        self.now = self.leases.now = now
        self._promised_tick = max(self._promised_tick, now.mono)

    def tick(self) -> float:
        """Do everything that is due; the answer is when to call again, monotonic seconds."""
        for action in self._timers.due(self.now.mono):
            action()
        if self._sweep_is_due():
            self.collecting.batch.sweep = True
        if self.now.mono - self._noted_at >= NOTE_SECONDS:
            self._note_progress()
        self._promised_tick = self.next_tick()
        return self._promised_tick

    def alarm(self, due: float, action: Callable[[], None]) -> Timer:
        """Call `action` in the first tick at or after `due`, monotonic seconds."""
        return self._timers.add(due, action)

    def _sweep_is_due(self) -> bool:
        return self._next_wake is not None and self._next_wake <= self.now.wall_ms

    def next_tick(self) -> float:
        """When `tick` should be called next, monotonic seconds; every call into the core may make it earlier."""
        due = self.now.mono + TICK_SECONDS
        timed = self._timers.next()
        if timed is not None:
            due = min(due, timed)
        if self._next_wake is not None and not self.collecting.batch.sweep:
            due = min(due, self.now.mono + max(self._next_wake - self.now.wall_ms, 1) / 1000)
        return due

    def _note_progress(self) -> None:
        self._noted_at = self.now.mono
        for lease in self.leases.open.values():
            if lease.unsaved and lease.progress is not None:
                lease.unsaved = False
                self.collecting.batch.notes.append(ProgressNote(lease.job.id, lease.job.attempt, lease.progress))

    # Submitting and cancelling.

    def submit(self, specs: list[JobSpec], owner: str, share: str, session: int) -> Submit:
        """Accept these jobs, all or none; each is placed at once if a fitting worker is free and nobody waits."""
        jobs = [intake.draft(spec, owner, session, self.now.wall_ms) for spec in specs]
        lanes = [self._checked_lane(spec, share) for spec in specs]
        keys = [(spec.queue, spec.key) for spec in specs if spec.key is not None]
        if keys:
            self.collecting.touch(keys)
        size = 0
        for job, lane in zip(jobs, lanes, strict=True):
            self._admit(job, lane)
            size += len(job.spec.payload)
        return self.collecting.add_submit(Submit(jobs, has_keys=bool(keys)), size)

    def _checked_lane(self, spec: JobSpec, share: str) -> Lane:
        key = intake.lane_key(spec, share)
        lane = self.hallway.lanes.get(key)
        if lane is None:
            intake.check_lane(spec)
            lane = self.hallway.lane(key)
        self.collecting.batch.lanes[lane.number] = lane.key
        return lane

    def _admit(self, job: NewJob, lane: Lane) -> None:
        job.id = self._ids.take(self.now.wall_ms)
        job.lane = lane.number
        if job.state is not State.READY:
            return
        worker = self._free_worker(lane)
        if worker is None:
            self.hallway.add_ready(lane)
        else:
            self.leases.promise(worker)
            job.state, job.attempt, job.wake_at = State.RUNNING, 1, None
            job.holder, job.lease_seconds, job.worker = worker.holder, worker.lease_seconds, worker.name

    def _free_worker(self, lane: Lane) -> Worker | None:
        for crew in lane.crews:
            if crew.free and not crew.has_ready:
                return crew.next_worker()
        return None

    def lost_connection(self, session: int, holder: str, named: bool) -> None:
        """A session is gone without a word: its worker has a grace when it named itself, else its leases end."""
        worker = self.leases.workers.get(holder)
        if worker is not None and worker.session == session:
            if named:
                self.leases.detach(worker)
            else:
                self.leases.depart(worker, lifecycle.LOSE)

    def leave(self, session: int, holder: str) -> None:
        """`bye`: what the session's worker still holds goes back, forgiven."""
        worker = self.leases.workers.get(holder)
        if worker is not None and worker.session == session:
            self.leases.depart(worker, lifecycle.RELEASE)

    def expel(self, owner: str, sessions: Collection[int]) -> None:
        """Who works for `owner`, on one of these sessions or away for a moment, has nothing in hand any more."""
        for worker in list(self.leases.workers.values()):
            if worker.session in sessions or worker.holder.startswith(holder_text(owner, "")):
                self.leases.depart(worker, lifecycle.LOSE)

    def cancel(self, jobs: list[int], scope: Scope) -> list[Change]:
        """End these jobs wherever they are, as far as they are within `scope`."""
        self.collecting.touch(jobs)
        return [self.collecting.add(Change(lifecycle.CANCEL, job, State.CANCELLED, scope=scope)) for job in jobs]

    # The batch.

    @property
    def wants_commit(self) -> bool:
        """Whether a batch should be sealed as soon as the one under way is durable."""
        return self.collecting.wanted or bool(self.hallway.hungry)

    def seal(self) -> Batch:
        """The collected batch, with a claim for every free place that a ready job fits."""
        batch = self.collecting.batch
        batch.sweep = batch.sweep or self._sweep_is_due()
        claims: dict[int, Claim] = {}
        room = MAX_OPERATIONS
        for crew in list(self.hallway.hungry):
            room -= self._claim_for(crew, claims, room)
            if not (crew.free and crew.has_ready):
                self.hallway.hungry.pop(crew, None)
        batch.claims = list(claims.values())
        return self.collecting.seal(self.now)

    def _claim_for(self, crew: Crew, claims: dict[int, Claim], room: int) -> int:
        taken = 0
        while taken < room and crew.free and (lane := crew.next_lane()) is not None:
            worker = crew.next_worker()
            assert worker is not None
            claim = claims.get(lane.number)
            if claim is None:
                claim = claims[lane.number] = Claim(lane.number, [])
            claim.seats.append(Seat(worker.holder, worker.lease_seconds, worker.name))
            lane.ready -= 1
            lane.promised += 1
            self.leases.promise(worker)
            taken += 1
        return taken

    # The answers.

    def settle(self, batch: Batch) -> Effects:
        """Make the store's answers true in hand; what sessions shall hear comes back."""
        if not batch.is_empty:
            self._next_wake = batch.next_wake
        for submit in batch.submits:
            self._settle_submit(submit)
        for change in batch.changes:
            self._settle_change(change, batch)
        for moved in batch.moved:
            self._settle_moved(moved, batch)
        for claim in batch.claims:
            self._settle_claim(claim)
        if batch.sweep_again:
            self.collecting.batch.sweep = True
        self.hallway.forget_idle_lanes(IDLE_LANES)
        return self.effects()

    def effects(self) -> Effects:
        """What sessions shall hear since the last call."""
        effects, self.leases.effects = self.leases.effects, Effects()
        return effects

    def _settle_submit(self, submit: Submit) -> None:
        for job, answer in zip(submit.jobs, submit.ids or [0] * len(submit.jobs), strict=True):
            if job.state is State.RUNNING:
                if answer == job.id:
                    submit.delivered += 1
                    self.leases.give(_placed(job))
                else:
                    self.leases.give_back(job.holder or "")
            elif job.state is State.READY and answer != job.id:
                self._lane_of(job.lane).ready -= 1

    def _lane_of(self, number: int) -> Lane:
        return self.hallway.by_number[number]

    def _settle_change(self, change: Change, batch: Batch) -> None:
        if change.step is lifecycle.RESUME:
            self.leases.resuming.discard(change.id)
        if change.answer != APPLIED:
            if change.step is lifecycle.RESUME:
                self.leases.give_back(change.holder or "")
            return
        if change.was is State.READY:
            self._one_less_ready(change.row_lane)
        if change.target is State.READY:
            self.hallway.add_ready(self.hallway.lane(batch.lanes[change.row_lane]))
        elif change.target in FINAL:
            self._settle_end(change)
        elif change.row is not None:
            self.leases.resume(change.row)
        if change.step is lifecycle.LOSE:
            self.leases.settled_lost(change)

    def _settle_end(self, change: Change) -> None:
        if change.step is lifecycle.CANCEL:
            self.leases.settled_away(change.id, CANCELLED)
        elif change.step is lifecycle.SUCCEED and not change.in_hand:
            self.leases.settled_late(change.id)
        end = End(change.id, change.target, change.follow, change.result, change.fault)
        self.leases.effects.ends.append(end)

    def _one_less_ready(self, number: int) -> None:
        lane = self.hallway.by_number.get(number)
        if lane is not None:
            lane.ready -= 1

    def _settle_moved(self, moved: Moved, batch: Batch) -> None:
        if moved.was is State.READY:
            self._one_less_ready(moved.lane)
        if moved.state is State.READY:
            self.hallway.add_ready(self.hallway.lane(batch.lanes[moved.lane]))
        elif moved.state is State.EXPIRED:
            self.leases.effects.ends.append(End(moved.id, moved.state, moved.follow))

    def _settle_claim(self, claim: Claim) -> None:
        lane = self._lane_of(claim.lane)
        lane.promised -= len(claim.seats)
        for row in claim.rows:
            self.leases.give(row)
        unfilled = claim.seats[len(claim.rows) :]
        if unfilled:
            self.hallway.add_ready(lane, len(unfilled))
            for seat in unfilled:
                self.leases.give_back(seat.holder)


def _placed(job: NewJob) -> Claimed:
    spec = job.spec
    return Claimed(
        job.id, job.lane, spec.kind, spec.queue, bytes(spec.payload), job.attempt, 0, job.max_attempts,
        job.follow, job.rules, job.holder or "", job.lease_seconds or 0.0,
    )  # fmt: skip
