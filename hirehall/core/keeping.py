"""A worker says what it holds: those leases go on, the others never arrived. Or it says that it lives: all go on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hirehall.core import lifecycle
from hirehall.core.effects import TIMED_OUT
from hirehall.core.operations import Change
from hirehall.core.workers import Hold, Lease, Worker
from hirehall.model import State

if TYPE_CHECKING:
    from hirehall.core.leases import Leases


class Kept:
    """The answer to `keep`: what is `kept`, and what is too if its `asked` change is applied. The rest is lost."""

    def __init__(self) -> None:
        self.kept: list[int] = []
        self.asked: list[Change] = []


def keep(leases: Leases, worker: Worker, named: Iterable[tuple[int, int]]) -> Kept:
    """Hold on to the leases named; the others of this worker never arrived: ready at once, forgiven."""
    answer = Kept()
    before, worker.held = worker.held, {}
    for job, attempt in named:
        _keep_one(leases, worker, answer, job, attempt, before.pop(job, None))
    for lease in before.values():
        leases.end(None, lease, lifecycle.RELEASE)
    leases.hallway.refresh(worker)
    return answer


def beat(leases: Leases, session: int, holder: str) -> None:
    """Every lease of this session's worker runs again in full."""
    worker = leases.workers.get(holder)
    if worker is not None and worker.session == session:
        worker.beat_at = leases.now.mono
        _heard_from(leases, worker)


def extend(leases: Leases, holder: str, named: Iterable[tuple[int, int]]) -> set[int]:
    """These leases of the worker run again in full, no others; the jobs that it does not hold. It is not silent."""
    worker = leases.workers.get(holder)
    lost = set()
    for job, attempt in named:
        lease = worker.held.get(job) if worker is not None else None
        if lease is not None and lease.job.attempt == attempt and lease.is_live:
            lease.since = leases.now.mono
        else:
            lost.add(job)
    if worker is not None:
        _heard_from(leases, worker)
    return lost


def _heard_from(leases: Leases, worker: Worker) -> None:
    if worker.is_silent:
        worker.is_silent = False
        leases.hallway.refresh(worker)


def drop_ended(leases: Leases, worker: Worker) -> None:
    """Places that leases without life still fill are free: this worker may never answer them."""
    for job in [job for job, lease in worker.held.items() if not lease.is_live]:
        del worker.held[job]
    leases.hallway.refresh(worker)


def _keep_one(leases: Leases, worker: Worker, answer: Kept, job: int, attempt: int, lease: Lease | None) -> None:
    if lease is not None and lease.job.attempt == attempt and lease.is_live:
        worker.held[job] = lease
        lease.since = leases.now.mono
        answer.kept.append(job)
        leases.watch(worker, worker.deadline(lease))
        if lease.hold is Hold.STOPPING:
            leases.order_stop(worker, lease, TIMED_OUT)
    elif lease is None or lease.hold is not Hold.OVER:
        if lease is not None:
            leases.end(None, lease, lifecycle.RELEASE)
        _ask_to_resume(leases, worker, answer, job, attempt)


def _ask_to_resume(leases: Leases, worker: Worker, answer: Kept, job: int, attempt: int) -> None:
    if leases.collecting.is_touched(job):  # it is on its way elsewhere: this worker has lost it
        return
    leases.collecting.touch([job])
    leases.resuming.add(job)
    change = Change(lifecycle.RESUME, job, State.RUNNING, attempt, worker.holder)
    leases.promise(worker)
    answer.asked.append(leases.collecting.add(change))
