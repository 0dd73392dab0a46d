"""The core: calls in, one batch of operations out, answers in, effects out. No clock, socket, store or await.

turn(now)   -> every entry begins with it: what time it is
submit, cancel, and the calls of `leases`   -> operations in the collecting batch
tick()      -> what is due; answers when to be called next
seal()      -> the batch, with claims for all free credit
settle()    -> leases, credit and pushes from the store's answers
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from functools import partial

from msgspec import Raw
from msgspec.structs import replace

from hirehall.core import intake, lifecycle
from hirehall.core.collecting import Collecting, NextBatch
from hirehall.core.effects import Effects
from hirehall.core.filing import Filing
from hirehall.core.intake import Lot
from hirehall.core.journal import Journal
from hirehall.core.lanes import Crew, Hallway, Lane
from hirehall.core.leases import LATE_SECONDS, Leases
from hirehall.core.lifecycle import Step
from hirehall.core.operations import (
    MAX_OPERATIONS,
    Batch,
    Change,
    Claim,
    Edit,
    Filed,
    NewJob,
    QueueChange,
    Recovered,
    Seat,
    Submit,
)
from hirehall.core.queues import QueueLine, check_settings
from hirehall.core.settling import Settling
from hirehall.core.timers import Timer, Timers
from hirehall.core.workers import Worker
from hirehall.errors import HallError
from hirehall.model import DEFAULT_SETTINGS, Instant, JobSpec, QueueSettings, Scope, State, holder_text

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
        self.journal = Journal(self.collecting)
        self.leases = Leases(self.collecting, self.journal, self.hallway, self._timers, roll, now)
        self.filing = Filing(self.collecting)
        self._ids = intake.Ids(recovered.database, recovered.last_id)
        self._next_wake = recovered.next_wake
        self._promised_tick = now.mono + TICK_SECONDS
        self._noted_at = now.mono
        self._settling = Settling(self.collecting, self.hallway, self.leases)
        for name, settings in recovered.queues.items():
            self.hallway.line(name).wanted = settings
            self.hallway.set_line(name, settings)
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
        self.journal.note(self.leases.open.values())

    # Submitting and cancelling.

    def submit(self, lots: list[Lot], owner: str, share: str, session: int, filed: Filed | None = None) -> Submit:
        """Accept these jobs, all or none; each is placed at once if a fitting worker is free and nobody waits."""
        lanes: list[Lane] = []
        try:
            lanes.extend(self._checked_lane(spec, share) for spec, _ in lots)
            closed = _closed(lots, lanes)
            drafts = [
                intake.draft(spec, lane.line, owner, session, self.now.wall_ms)
                for (spec, _), lane in zip(lots, lanes, strict=True)
            ]
            for _, payloads in lots:
                intake.check_sizes(payloads)
            keys = [(spec.queue, spec.key) for spec, _ in lots if spec.key is not None]
            if keys:
                self.collecting.touch(keys)
        except (HallError, NextBatch):
            self.hallway.forget_unused(lanes)
            raise
        jobs: list[NewJob] = []
        for draft, (_, payloads), lane in zip(drafts, lots, lanes, strict=True):
            jobs += self._admitted(draft, payloads, lane)
        size = sum(sum(map(len, payloads)) for _, payloads in lots)
        return self.collecting.add_submit(Submit(jobs, bool(keys or filed), closed=closed, filed=filed), size)

    def _checked_lane(self, spec: JobSpec, share: str) -> Lane:
        key = intake.lane_key(spec, share)
        lane = self.hallway.lanes.get(key)
        if lane is None:
            intake.check_lane(spec)
            lane = self.hallway.lane(key)
        return lane

    def _admitted(self, draft: NewJob, payloads: list[Raw], lane: Lane) -> list[NewJob]:
        """The jobs of one lot."""
        self.collecting.batch.lanes[lane.number] = lane.key
        draft.lane = lane.number
        drafts = self._placed(draft, len(payloads), lane) if draft.state is State.READY else [draft] * len(payloads)
        ids = self._ids.take_many(len(payloads), self.now.wall_ms)
        return [replace(one, id=job, payload=payload) for one, job, payload in zip(drafts, ids, payloads, strict=True)]

    def _placed(self, draft: NewJob, jobs: int, lane: Lane) -> list[NewJob]:
        """`draft` for each of so many ready jobs: on free workers as many as there are; the rest waits."""
        placed: list[NewJob] = []
        while len(placed) < jobs and (worker := self._free_worker(lane)) is not None:
            is_alone = len(lane.crews) == 1 and len(lane.crews[0].free) == 1
            places = min(worker.free, jobs - len(placed)) if is_alone else 1
            self.leases.promise(worker, places)
            running = replace(
                draft, state=State.RUNNING, attempt=1, wake_at=None, holder=worker.holder,
                lease_seconds=worker.lease_seconds, worker=worker.name,
            )  # fmt: skip
            placed += [running] * places
        waiting = jobs - len(placed)
        if waiting:
            self.hallway.add_ready(lane, waiting)
        return placed + [draft] * waiting

    def _free_worker(self, lane: Lane) -> Worker | None:
        line = lane.line
        if line.room is None and line.wanted is line.settings:  # with limits, or held, it is served by claims only
            for at, crew in enumerate(lane.crews):
                if crew.free and not crew.has_ready:
                    lane.crews.append(lane.crews.pop(at))  # the next one is another crew's
                    crew.served = self.hallway.round + 1  # the batch that collects
                    return crew.next_worker()
        return None

    def lost_connection(self, session: int, holder: str, named: bool, is_silent: bool = False) -> None:
        """A session is gone without a word: its worker has a grace when it named itself, else its leases end. When the
        connection was not closed but has fallen silent, it may still work on what it has for as long as its leases
        last; Deputy's have no lease but their connection."""
        worker = self.leases.workers.get(holder)
        if worker is not None and worker.session == session:
            if named or (is_silent and not worker.is_deputy):
                self.leases.detach(worker, is_silent)
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

    def change(self, step: Step, jobs: list[int], scope: Scope, edit: Edit | None = None) -> list[Change]:
        """Retry, change or remove these jobs, as a person wants, as far as they are within `scope`."""
        self.collecting.touch(jobs)
        target = None if step is lifecycle.REMOVE else State.READY
        return [self.collecting.add(Change(step, job, target, scope=scope, edit=edit)) for job in jobs]

    def set_queue(self, name: str, settings: QueueSettings) -> None:
        """New settings of a queue, whole; they count when they are durable. Raises BadRequest."""
        check_settings(settings)
        line = self.hallway.line(name)
        batch = self.collecting.batch
        replaced = [queue for queue in batch.queues if queue.name == name]
        raises_locks = settings.lock_limit > line.wanted.lock_limit or any(queue.raises_locks for queue in replaced)
        line.wanted = settings
        batch.queues = [queue for queue in batch.queues if queue.name != name]
        batch.queues.append(QueueChange(name, settings, raises_locks))

    # The batch.

    @property
    def wants_commit(self) -> bool:
        """Whether a batch should be sealed as soon as the one under way is durable."""
        return self.collecting.wanted or bool(self.hallway.hungry)

    def seal(self) -> Batch:
        """The collected batch, with a claim for every free place that a ready job fits."""
        batch = self.collecting.batch
        batch.sweep = batch.sweep or self._sweep_is_due()
        batch.lock_limits = self._lock_limits(batch)
        batch.waiting_room = {name: line.waiting_room for name, line in self.hallway.bounded.items()}
        if self.hallway.limited:
            self._measure()
        claims: dict[int, Claim] = {}
        room = MAX_OPERATIONS
        for crew in self.hallway.hungry_in_turn():
            room -= self._claim_for(crew, claims, room)
            if not (crew.free and crew.has_ready):
                self.hallway.hungry.pop(crew, None)
        for line in self.hallway.limited.values():
            if line.held:
                self._let_go_later(line)
        batch.claims = list(claims.values())
        return self.collecting.seal(self.now)

    def _claim_for(self, crew: Crew, claims: dict[int, Claim], room: int) -> int:
        taken = 0
        while taken < room and crew.free and (lane := crew.next_lane()) is not None:
            worker = crew.next_worker()
            assert worker is not None
            crew.served = self.hallway.round
            claim = claims.get(lane.number)
            if claim is None:
                claim = claims[lane.number] = Claim(lane.number, [])
                self.collecting.batch.lanes[lane.number] = lane.key
            jobs = min(room - taken, lane.ready, worker.free) if crew.is_one_to_one and lane.line.room is None else 1
            claim.seats += [Seat(worker.holder, worker.lease_seconds, worker.name)] * jobs
            lane.ready -= jobs
            lane.promised += jobs
            lane.line.start()
            self.leases.promise(worker, jobs)
            taken += jobs
        return taken

    def _lock_limits(self, batch: Batch) -> dict[str, int]:
        """Those that count in this batch: what it sets, it obeys already."""
        limits = self.hallway.lock_limits
        return limits | {queue.name: queue.settings.lock_limit for queue in batch.queues} if batch.queues else limits

    def _measure(self) -> None:
        """How many jobs of each queue with limits may start in this batch."""
        running = Counter(lease.job.queue for lease in self.leases.open.values())
        for line in self.hallway.limited.values():
            line.measure(running[line.name], self.now.mono)
            if line.room:
                self.hallway.let_go(line)
            else:
                line.held = True

    def _let_go_later(self, line: QueueLine) -> None:
        wait = line.next_token_seconds
        if wait is not None and line.alarm_at <= self.now.mono:
            line.alarm_at = self.now.mono + wait
            self._timers.add(line.alarm_at, partial(self.hallway.let_go, line))

    # The answers.

    def settle(self, batch: Batch) -> Effects:
        """Make the store's answers true in hand; what sessions shall hear comes back."""
        if not batch.is_empty:
            self._next_wake = batch.next_wake
        self._settling.settle(batch)
        self.hallway.forget_idle_lanes(IDLE_LANES)
        return self.effects()

    def effects(self) -> Effects:
        """What sessions shall hear since the last call."""
        effects, self.leases.effects = self.leases.effects, Effects()
        return effects


def _closed(lots: list[Lot], lanes: list[Lane]) -> HallError | None:
    """Why these jobs cannot be taken now. Where all have keys the store decides: a submit that is said again must get
    its first answer, whatever has become of the queue; else it is raised."""
    try:
        for line in {lane.line: None for lane in lanes}:
            if line.settings is not DEFAULT_SETTINGS:
                jobs = [len(payloads) for (_, payloads), lane in zip(lots, lanes, strict=True) if lane.line is line]
                line.check_open(sum(jobs))
    except HallError as exc:
        if any(spec.key is None for spec, _ in lots):
            raise
        return exc
    return None
