"""From a store's answers to what is in hand: leases, credit, lane counts, and what sessions shall hear."""

from __future__ import annotations

from hirehall.core import lifecycle
from hirehall.core.collecting import Collecting
from hirehall.core.effects import CANCELLED, LOST, End
from hirehall.core.faults import DISCARDED
from hirehall.core.lanes import Hallway
from hirehall.core.leases import Leases
from hirehall.core.operations import APPLIED, Batch, Change, Claim, Claimed, Moved, NewJob, Submit
from hirehall.model import FINAL, State

RUNNING, SUCCEEDED = State.RUNNING, State.SUCCEEDED  # an Enum takes longer to answer than the rest of a hot line


class Settling:
    """Makes the answers to one batch after the other true."""

    def __init__(self, collecting: Collecting, hallway: Hallway, leases: Leases) -> None:
        self._collecting = collecting
        self._hallway = hallway
        self._leases = leases

    def settle(self, batch: Batch) -> None:
        """Settle every operation of a durable batch."""
        for queue in batch.queues:
            self._hallway.set_line(queue.name, queue.settings)
        for submit in batch.submits:
            self._submit(submit)
        ends = self._leases.effects.ends
        for change in batch.changes:
            if change.results is not None:
                ends.append(End(change.id, SUCCEEDED, change.follow, results=change.results))
            else:
                self._change(change, batch)
        for moved in batch.moved:
            self._moved(moved, batch)
        for lane in batch.aside:
            self._one_less_ready(lane)
        for claim in batch.claims:
            self._claim(claim)
        if batch.sweep_again:
            self._collecting.batch.sweep = True

    def _submit(self, submit: Submit) -> None:
        if submit.ids and not submit.duplicates:
            placed = [_placed(job) for job in submit.jobs if job.state is RUNNING]
            submit.delivered = len(placed)
            self._leases.give(placed)
        else:
            self._submit_again(submit)

    def _submit_again(self, submit: Submit) -> None:
        """Some of its jobs were there before, or none was taken."""
        for job, answer in zip(submit.jobs, submit.ids or [0] * len(submit.jobs), strict=True):
            if job.state is State.RUNNING:
                if answer == job.id:
                    submit.delivered += 1
                    self._leases.give([_placed(job)])
                else:
                    self._leases.give_back(job.holder or "")
            elif job.state is State.READY and answer != job.id:
                self._one_less_ready(job.lane)

    def _one_less_ready(self, number: int) -> None:
        lane = self._hallway.by_number.get(number)
        if lane is not None:
            lane.ready -= 1

    def _one_more_ready(self, number: int, batch: Batch) -> None:
        self._hallway.add_ready(self._hallway.lane(batch.lanes[number]))

    def _change(self, change: Change, batch: Batch) -> None:
        if change.step is lifecycle.RESUME:
            self._leases.resuming.discard(change.id)
        if change.answer != APPLIED:
            if change.step is lifecycle.RESUME:
                self._leases.give_back(change.holder or "")
            return
        if change.was is State.READY:
            self._one_less_ready(change.row_lane)
        if change.target is State.READY:
            self._one_more_ready(change.new_lane or change.row_lane, batch)
        elif change.target in FINAL and change.edit is None:
            self._end(change)
        elif change.row is not None:
            self._leases.resume(change.row)
        if change.step is lifecycle.LOSE:
            self._lost(change)
        elif change.step is lifecycle.DISCARD:
            self._discarded(change.id, change.follow)

    def _end(self, change: Change) -> None:
        assert change.target is not None, "an end is a state"
        if change.step is lifecycle.CANCEL:
            self._leases.settled_away(change.id, CANCELLED)
        elif change.step is lifecycle.SUCCEED and not change.in_hand:
            self._leases.settled_late(change.id)
        if not change.in_hand:
            self._hallway.look_again(change.queue)
        end = End(change.id, change.target, change.follow, change.result, change.fault)
        self._leases.effects.ends.append(end)

    def _lost(self, change: Change) -> None:
        """Tell a worker that is still connected that its lease ran out."""
        worker = self._leases.workers.get(change.holder or "")
        lease = worker.held.get(change.id) if worker is not None else None
        if worker is not None and lease is not None and lease.job.attempt == change.attempt:
            self._leases.order_stop(worker, lease, LOST)

    def _moved(self, moved: Moved, batch: Batch) -> None:
        if moved.was is State.READY:
            self._one_less_ready(moved.lane)
        if moved.state is State.READY:
            self._one_more_ready(moved.lane, batch)
        elif moved.state in FINAL:
            self._leases.effects.ends.append(End(moved.id, moved.state, moved.follow, fault=moved.fault))
        elif moved.was is State.DRAFT:
            self._discarded(moved.id, moved.follow)

    def _discarded(self, draft: int, follow: int | None) -> None:
        """It is gone: who follows it, or waits for it, hears of a job that will not run."""
        self._leases.effects.ends.append(End(draft, State.CANCELLED, follow, fault=DISCARDED))

    def _claim(self, claim: Claim) -> None:
        lane = self._hallway.by_number[claim.lane]
        lane.promised -= len(claim.seats)
        self._leases.give(claim.rows)
        unfilled = claim.seats[len(claim.rows) :]
        if unfilled:
            self._hallway.add_ready(lane, len(unfilled))
            lane.line.take_back(len(unfilled))
            self._hallway.look_again(lane.line.name)
            for seat in unfilled:
                self._leases.give_back(seat.holder)


def _placed(job: NewJob) -> Claimed:
    spec = job.spec
    return Claimed(
        job.id, job.lane, spec.kind, spec.queue, bytes(job.payload), job.attempt, 0, job.max_attempts,
        job.follow, job.rules, job.holder or "", job.lease_seconds or 0.0,
    )  # fmt: skip
