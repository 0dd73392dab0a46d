"""How an attempt ends: the change that ends its lease, and where it leads the job."""

from __future__ import annotations

from collections.abc import Sequence

from hirehall.core import lifecycle
from hirehall.core.faults import fault
from hirehall.core.lifecycle import Step
from hirehall.core.operations import Body, Change
from hirehall.core.policy import attempts_left, backoff_seconds
from hirehall.core.workers import Hold, Lease
from hirehall.model import State

SUCCEED, SUCCEEDED = lifecycle.SUCCEED, State.SUCCEEDED


def ending(lease: Lease, step: Step, wall_ms: int, roll: float, place_last: bool) -> Change:
    """The change that ends an open lease by `step` (release, lose, timeout) without a word of its worker."""
    change = Change(
        step, lease.job.id, State.READY, lease.job.attempt, lease.job.holder, in_hand=True, progress=lease.progress
    )
    change.since = lease.since
    if lease.hold is Hold.STOPPING and step is not lifecycle.RELEASE:
        change.step = lifecycle.TIMEOUT
        change.fault = fault("Timeout", f"the attempt took longer than {lease.rules.timeout_seconds} s")
        aim(change, lease, wall_ms, delay_seconds(lease, roll))
    elif step is lifecycle.LOSE:
        change.fault = fault("WorkerLost", "the worker left or stopped beating before it answered")
        change.place_last = place_last
        if not attempts_left(lease.job.attempt, lease.job.forgiven, lease.job.max_attempts):
            change.target = State.FAILED
    return change


def aim(change: Change, lease: Lease, wall_ms: int, delay: float) -> None:
    """Let `change` lead to another attempt after `delay` seconds, or to failure when none is left."""
    if attempts_left(lease.job.attempt, lease.job.forgiven, lease.job.max_attempts):
        change.target, change.wake_at = State.SCHEDULED, wall_ms + round(delay * 1000)
    else:
        change.target = State.FAILED


def delay_seconds(lease: Lease, roll: float) -> float:
    """The backoff after this attempt; `roll` in [0, 1) is the randomness."""
    return backoff_seconds(lease.rules.backoff, lease.job.attempt - lease.job.forgiven, roll)


def successes(holder: str, results: Sequence[tuple[int, int, Body]], leases: Sequence[Lease | None]) -> list[Change]:
    """The changes that results (job, attempt, result) make: one for neighbours that are alike, one for each that had no
    lease in hand."""
    changes: list[Change] = []
    like: Lease | None = None
    following, together = 0, list[Body]()
    for (job, attempt, result), lease in zip(results, leases, strict=True):
        if lease is not None and like is not None and job == following and _are_alike(lease, like):
            together.append(result)
        else:
            together = [result]
            changes.append(_success(holder, job, attempt, together, lease))
        like, following = lease, job + 1
    return changes


def _are_alike(lease: Lease, other: Lease) -> bool:
    job, neighbour = lease.job, other.job
    return (
        job.attempt == neighbour.attempt
        and job.lane == neighbour.lane
        and job.follow == neighbour.follow
        and lease.progress == other.progress
        and lease.since == other.since
    )


def _success(holder: str, job: int, attempt: int, results: list[Body], lease: Lease | None) -> Change:
    if lease is None:
        return Change(SUCCEED, job, SUCCEEDED, attempt, holder, result=results[0])
    held = lease.job
    return Change(
        SUCCEED, job, SUCCEEDED, attempt, holder, True, held.lane, results=results, progress=lease.progress,
        follow=held.follow, kind=held.kind, queue=held.queue, since=lease.since,
    )  # fmt: skip
