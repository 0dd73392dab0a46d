"""The worker's side: who works, what is in which hand, when a lease ends.

A lease is a fact in the store first: it comes into hand when the commit that wrote it was answered, and leaves it when
the operation that ends it is added to the batch. A place stays filled until the worker has answered, whatever
happened to the job meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from functools import partial
from itertools import groupby
from operator import attrgetter

import msgspec

from hirehall.core import lifecycle
from hirehall.core.collecting import Collecting, NextBatch
from hirehall.core.effects import TIMED_OUT, Effects, StopOrder
from hirehall.core.endings import aim, ending, successes
from hirehall.core.endings import delay_seconds as lease_delay
from hirehall.core.journal import Journal
from hirehall.core.keeping import Kept, keep
from hirehall.core.lanes import Hallway
from hirehall.core.lifecycle import Step
from hirehall.core.operations import Body, Change, Claimed
from hirehall.core.timers import Timers
from hirehall.core.workers import STOPPING, Hold, Lease, Worker
from hirehall.errors import StaleLease
from hirehall.model import Fault, Instant, Offers, State, id_text, is_session_holder, read_rules

OPEN = Hold.OPEN
BROKEN_OFF = Fault("WorkerLost", "the worker broke it off, and it may be started only once", "")
STOP_SECONDS = 15.0  # a timed-out attempt may report, and a stopped worker leave, this much later
SOON_SECONDS = 0.01  # a lease that could not end in this batch is looked at again
LATE_SECONDS = 1.0  # a turn this late means that the machine slept


class Leases:
    """All workers and all leases in hand."""

    def __init__(
        self,
        collecting: Collecting,
        journal: Journal,
        hallway: Hallway,
        timers: Timers,
        roll: Callable[[], float],
        now: Instant,
    ) -> None:
        self.now = now
        self.effects = Effects()
        self.workers: dict[str, Worker] = {}
        self.open: dict[int, Lease] = {}  # by job id: leases that no operation has ended yet
        self.resuming: set[int] = set()  # jobs whose worker wants to keep them, until the store has answered
        self.collecting = collecting
        self._journal = journal
        self.hallway = hallway
        self._timers = timers
        self._roll = roll

    # A worker comes, changes, goes.

    def attach(self, session: int, holder: str) -> Worker:
        """The worker of `holder`, speaking on `session` from now on. Another session of it is closed; what it held
        there and does not `keep` never arrived."""
        worker = self._spoken_for(session, holder)
        if worker.session != session:
            if worker.session is not None:
                self.effects.closes.append(worker.session)
            keep(self, worker, [])
        self._speak_on(worker, session)
        return worker

    def come_back(self, session: int, holder: str, named: list[tuple[int, int]]) -> Kept:
        """`keep`: `named` is all that the worker holds. Raises NextBatch when a job is taken in this batch."""
        if any(self.collecting.is_touched(job) for job, _ in named):
            raise NextBatch
        worker = self._spoken_for(session, holder)
        if worker.session not in (None, session):
            self.effects.closes.append(worker.session)
        self._speak_on(worker, session)
        return keep(self, worker, named)

    def _spoken_for(self, session: int, holder: str) -> Worker:
        """The worker that `session` speaks for. Raises StaleLease when it has a later session already: what an earlier
        one still says, held up on its way, must not take back what the worker has got since."""
        worker = self.workers.setdefault(holder, Worker(holder))
        if worker.session is not None and session < worker.session:
            raise StaleLease("this worker speaks on a later connection: only its last one counts")
        return worker

    def _speak_on(self, worker: Worker, session: int) -> None:
        if worker.session != session:  # what it serves is said anew on each connection
            self.hallway.leave(worker)
            worker.credit, worker.concurrency, worker.beat_at = 0, None, self.now.mono
        worker.session, worker.gone_at = session, None
        worker.clogged = worker.is_silent = False

    def serve(
        self,
        worker: Worker,
        queues: frozenset[str],
        kinds: frozenset[str],
        offers: Offers,
        credit: int,
        lease_seconds: float,
    ) -> None:
        """`work`: what this worker takes from now on, and how much of it."""
        crew = self.hallway.crew(queues, kinds, offers)
        if worker.crew is not crew:
            self.hallway.leave(worker)
            worker.crew = crew
            crew.members.add(worker)
        worker.lease_seconds = lease_seconds
        self.set_credit(worker, credit)

    def set_credit(self, worker: Worker, credit: int, concurrency: int | None = None) -> None:
        """A new ceiling; lowering it takes nothing back. `concurrency` is shown, and changes nothing."""
        worker.credit, worker.concurrency, worker.is_silent = credit, concurrency, False
        self.hallway.refresh(worker)

    def set_clogged(self, worker: Worker, clogged: bool) -> None:
        """Whether its connection holds so much unread that it gets nothing more."""
        worker.clogged = clogged
        self.hallway.refresh(worker)

    def set_mode(self, worker: Worker, mode: str) -> None:
        """What a person wants of it: working, paused, draining, or stopping, which must not take long."""
        worker.mode = mode
        self.hallway.refresh(worker)
        if mode == STOPPING:
            self._timers.add(self.now.mono + STOP_SECONDS, partial(self._take_away, worker))

    def _take_away(self, worker: Worker) -> None:
        """It was told to stop and did not: others get what it has."""
        if self.workers.get(worker.holder) is worker and worker.mode == STOPPING:
            session = worker.session
            self.depart(worker, lifecycle.LOSE)
            if session is not None:
                self.effects.closes.append(session)

    def depart(self, worker: Worker, step: Step) -> None:
        """It is gone for good: every lease ends by `step` (release or lose), and nobody answers for its places."""
        for lease in list(worker.held.values()):
            self.end(worker, lease, step)
        worker.held.clear()
        worker.session = worker.gone_at = None
        worker.unwatch()  # or it would look at somebody who may have come back as another one by then
        self.hallway.leave(worker)
        if not worker.promised:
            self.workers.pop(worker.holder, None)

    def detach(self, worker: Worker, is_silent: bool = False) -> None:
        """Its connection is gone, but it named itself: it has a little time to come back."""
        worker.session, worker.credit, worker.concurrency = None, 0, None
        worker.gone_at = worker.grace_ends(self.now.mono, is_silent)
        self.hallway.leave(worker)
        self._timers.add(worker.gone_at, partial(self._grace_over, worker))

    def _grace_over(self, worker: Worker) -> None:
        if worker.gone_at is not None and worker.gone_at <= self.now.mono:
            self.depart(worker, lifecycle.LOSE)
        elif worker.gone_at is not None:
            self._timers.add(worker.gone_at, partial(self._grace_over, worker))

    # A lease comes into a hand.

    def promise(self, worker: Worker, places: int = 1) -> None:
        """So many places of `worker` are filled by whatever the store answers."""
        worker.promised += places
        if worker.crew is not None and worker.free <= 0:
            worker.crew.free.pop(worker, None)

    def unpromise(self, holder: str, places: int = 1) -> Worker | None:
        """These answers came. The worker, when it is still there to be given something."""
        worker = self.workers.get(holder)
        if worker is None:
            return None
        worker.promised -= places
        if worker.session is None and not worker.promised and worker.gone_at is None and not worker.held:
            del self.workers[holder]
        return worker

    def give(self, jobs: list[Claimed]) -> None:
        """Promised jobs are durably their workers': hold and deliver them, or take them back where nobody is there."""
        for holder, several in groupby(jobs, attrgetter("holder")):
            self._give(holder, list(several))

    def _give(self, holder: str, jobs: list[Claimed]) -> None:
        worker = self.unpromise(holder, len(jobs))
        leases = [self._lease(job) for job in jobs]
        if worker is None or worker.session is None or worker.crew is None:  # gone, or back but not asking yet
            for lease in leases:
                self.end(None, lease, lifecycle.RELEASE)
        else:
            self._hold_all(worker, leases)
            self.effects.run(worker.session, jobs)

    def _hold_all(self, worker: Worker, leases: list[Lease]) -> None:
        """`hold` for each of these. Mostly all that it would look at is as with the first."""
        alike = {lease.job.id: lease for lease in leases if lease.rules.timeout_seconds is None}
        for lease in leases if len(alike) < len(leases) or not worker.held.keys().isdisjoint(alike) else leases[:1]:
            self.hold(worker, lease)
        worker.held.update(alike)

    def give_back(self, holder: str) -> None:
        """There was no job for a promised place."""
        if (worker := self.unpromise(holder)) is not None:
            self.hallway.refresh(worker)

    def restore(self, job: Claimed) -> None:
        """After a restart: the row says that this worker has it, and its lease runs again in full."""
        worker = self.workers.setdefault(job.holder, Worker(job.holder))
        lease = self._lease(job)
        if is_session_holder(job.holder):
            self.end(None, lease, lifecycle.LOSE)
            self.workers.pop(job.holder, None)
        else:
            self.hold(worker, lease)

    def resume(self, job: Claimed) -> None:
        """A lost lease is the worker's again: nobody else had taken the job."""
        worker, lease = self.unpromise(job.holder), self._lease(job)
        if worker is None or (worker.session is None and worker.gone_at is None):  # it said bye meanwhile
            self.end(None, lease, lifecycle.RELEASE)
        else:
            self.hold(worker, lease)

    def _lease(self, job: Claimed) -> Lease:
        rules = read_rules(job.rules)
        self.open[job.id] = lease = Lease(job, rules, self.now.mono)
        return lease

    def hold(self, worker: Worker, lease: Lease) -> None:
        """Put an open lease into the worker's hand and watch its times."""
        job = lease.job
        before, worker.held[job.id] = worker.held.get(job.id), lease
        if before is not None:  # an older attempt of the same job filled a place: it is one place now
            self.hallway.refresh(worker)
        if lease.rules.timeout_seconds is not None:
            lease.ends_at = self.now.mono + lease.rules.timeout_seconds
        due = lease.since + job.lease_seconds
        if worker.watch is None or due < worker.watch_at or lease.ends_at < worker.watch_at:
            self.watch(worker, worker.deadline(lease))

    # The worker says something about a lease.

    def reserve(self, jobs: Collection[int]) -> None:
        """Touch these jobs for a worker's answers; raise NextBatch while the store has yet to say who keeps one."""
        if not self.resuming.isdisjoint(jobs):
            raise NextBatch
        self.collecting.touch(jobs)

    def answered(self, holder: str, named: Sequence[tuple[int, int]]) -> list[Lease | None]:
        """The worker gives the places of these attempts back. The lease of each, while it was open or stopping."""
        worker = self.workers.get(holder)
        if worker is None:
            return [None] * len(named)
        before = len(worker.held)
        leases = [self._taken(worker.held, job, attempt) for job, attempt in named]
        if len(worker.held) < before and (worker.is_silent or not (worker.crew and worker in worker.crew.free)):
            worker.is_silent = False
            self.hallway.refresh(worker)
        return leases

    def _taken(self, held: dict[int, Lease], job: int, attempt: int) -> Lease | None:
        lease = held.get(job)
        if lease is None or lease.job.attempt != attempt:
            return None
        del held[job]
        return self._close(job) if lease.hold is OPEN or lease.is_live else None

    def _close(self, job: int) -> Lease | None:
        """This lease is not in hand any more; what its attempt has said is stored with its end."""
        lease = self.open.pop(job, None)
        if lease is not None and lease.lines:
            self._journal.flush(lease)
        return lease

    def succeed(self, holder: str, results: Sequence[tuple[int, int, Body]]) -> list[Change]:
        """Results of touched jobs (job, attempt, result): of leases in hand, or late, which the store judges."""
        leases = self.answered(holder, [(job, attempt) for job, attempt, _ in results])
        return self.collecting.add_many(successes(holder, results, leases))

    def fail(
        self, holder: str, job: int, attempt: int, fault: Fault, retry: bool, delay_seconds: float | None
    ) -> Change:
        """A failure: another attempt after its backoff while some are left and the worker does not forbid it."""
        (lease,) = self.answered(holder, [(job, attempt)])
        change = Change(lifecycle.FAIL, job, State.FAILED, attempt, holder, fault=msgspec.json.encode(fault))
        if lease is not None:
            change.in_hand, change.progress, change.since = True, lease.progress, lease.since
            if retry:
                delay = lease_delay(lease, self._roll()) if delay_seconds is None else delay_seconds
                aim(change, lease, self.now.wall_ms, delay)
        return self.collecting.add(change)

    def release(self, holder: str, job: int, attempt: int, delay_seconds: float, begun: bool = False) -> Change:
        """The worker gives the job back, forgiven; but one that may be started only once, and has `begun`, fails."""
        lease = self.open.get(job)
        if begun and lease is not None and lease.job.max_attempts == 1:
            return self.fail(holder, job, attempt, BROKEN_OFF, False, None)
        (lease,) = self.answered(holder, [(job, attempt)])
        change = Change(lifecycle.RELEASE, job, State.READY, attempt, holder)
        change.in_hand = lease is not None
        if delay_seconds > 0:
            change.target = State.SCHEDULED
            change.wake_at = self.now.wall_ms + round(delay_seconds * 1000)
        return self.collecting.add(change)

    def in_hand(self, holder: str, job: int, attempt: int) -> Lease:
        """The open lease that this worker speaks of; raise StaleLease when it is not its own."""
        lease = self.open.get(job)
        if lease is None or lease.job.holder != holder or lease.job.attempt != attempt:
            raise StaleLease(f"job {id_text(job)}: attempt {attempt} is not in this worker's hands")
        return lease

    # A lease ends without the worker.

    def watch(self, worker: Worker, due: float) -> None:
        """Look at its leases at `due`, monotonic seconds, or before."""
        if worker.watch is None or due < worker.watch_at:
            worker.unwatch()
            worker.watch_at, worker.watch = due, self._timers.add(due, partial(self._look_at, worker))

    def _look_at(self, worker: Worker) -> None:
        """Do what is due for its leases; look again when the next one is. One timer a worker, however many jobs."""
        worker.watch = None
        for lease in list(worker.held.values()):
            if lease.is_live and worker.deadline(lease) <= self.now.mono:
                self._fall_due(worker, lease)
        live = [worker.deadline(lease) for lease in worker.held.values() if lease.is_live]
        if live:
            self.watch(worker, max(min(live), self.now.mono + SOON_SECONDS))
        elif worker.session is None and worker.gone_at is None:
            self.depart(worker, lifecycle.LOSE)

    def _fall_due(self, worker: Worker, lease: Lease) -> None:
        if lease.hold is Hold.STOPPING:
            self.end(worker, lease, lifecycle.TIMEOUT)
        elif lease.ends_at <= self.now.mono:
            lease.hold, lease.ends_at = Hold.STOPPING, self.now.mono + STOP_SECONDS
            self.order_stop(worker, lease, TIMED_OUT)
        else:
            worker.is_silent = True  # else it would be the next to get the job, if it has a place
            self.hallway.refresh(worker)
            self.end(worker, lease, lifecycle.LOSE)

    def order_stop(self, worker: Worker, lease: Lease, why: str) -> None:
        """Tell a worker that is connected to stop this attempt."""
        if worker.session is not None:
            order = StopOrder(worker.session, worker.holder, lease.job.id, lease.job.attempt, why)
            self.effects.stops.append(order)

    def end(self, worker: Worker | None, lease: Lease, step: Step) -> None:
        """End a lease by `step` if it is still open; in the next batch if its job is taken in this one."""
        if self.open.get(lease.job.id) is not lease:
            return
        if self.collecting.is_touched(lease.job.id):
            self.collecting.postpone(partial(self.end, worker, lease, step))
            return
        self.collecting.touch([lease.job.id])
        self._close(lease.job.id)
        last = worker is not None and worker.is_deputy
        change = self.collecting.add(ending(lease, step, self.now.wall_ms, self._roll(), last))
        lease.hold = Hold.LOST if change.step is lifecycle.LOSE else Hold.OVER

    # What a commit answered, and lost time.

    def settled_away(self, job: int, why: str) -> None:
        """The job left this hand by someone else's doing: only the place stays filled."""
        lease = self._close(job)
        if lease is not None:
            lease.hold = Hold.OVER
            worker = self.workers.get(lease.job.holder)
            if worker is not None:
                self.order_stop(worker, lease, why)

    def settled_late(self, job: int) -> None:
        """A result was taken for a lease that came into hand only after it was reported: nothing is left to hold."""
        lease = self._close(job)
        worker = self.workers.get(lease.job.holder) if lease is not None else None
        if worker is not None:
            worker.held.pop(job, None)
            self.hallway.refresh(worker)

    def forgive(self, lost_seconds: float) -> None:
        """The machine slept: nothing that lives by beats gets older by that."""
        for worker in self.workers.values():
            worker.forgive(lost_seconds)
