"""How an attempt ends: the change that ends its lease, and where it leads the job."""

from __future__ import annotations

from hirehall.core import lifecycle
from hirehall.core.faults import fault
from hirehall.core.lifecycle import Step
from hirehall.core.operations import Change
from hirehall.core.policy import attempts_left, backoff_seconds
from hirehall.core.workers import Hold, Lease
from hirehall.model import State


def ending(lease: Lease, step: Step, wall_ms: int, roll: float, place_last: bool) -> Change:
    """The change that ends an open lease by `step` (release, lose, timeout) without a word of its worker."""
    change = Change(
        step, lease.job.id, State.READY, lease.job.attempt, lease.job.holder, in_hand=True, progress=lease.progress
    )
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
