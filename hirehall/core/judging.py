"""Whether a row lets a change happen. Every store asks here, so that all give the same answers."""

from __future__ import annotations

from typing import Protocol

from hirehall.core import lifecycle
from hirehall.core.operations import APPLIED, DUPLICATE, STALE, WRONG_STATE, Change
from hirehall.model import State


class Row(Protocol):
    """What is asked of a stored job."""

    state: State
    attempt: int
    holder: str | None
    lost: int


def judge(change: Change, row: Row) -> str:
    """Whether this row lets the change happen: applied, or why not."""
    if change.attempt is None:
        if change.step is lifecycle.COMMIT and row.state is not State.DRAFT:
            return DUPLICATE  # its sender never saw the answer
        return APPLIED if _may_start(change, row) else WRONG_STATE
    matches = (row.attempt, row.holder) == (change.attempt, change.holder)
    if row.state is State.RUNNING and matches:
        allowed = change.in_hand or change.step is lifecycle.SUCCEED
        return APPLIED if allowed else STALE
    if row.state is State.READY and matches and row.lost:
        return APPLIED if change.step in (lifecycle.SUCCEED, lifecycle.RESUME) else STALE
    return DUPLICATE if matches and _was_said(change, row) else STALE


def _may_start(change: Change, row: Row) -> bool:
    return row.state in change.step.sources or (change.edit is not None and change.edit.is_label)


def _was_said(change: Change, row: Row) -> bool:
    """The same worker reports the same end of the same attempt again, since it never saw the answer."""
    if change.step is lifecycle.SUCCEED:
        return row.state is State.SUCCEEDED
    if change.step is lifecycle.FAIL:
        return row.state in (State.SCHEDULED, State.BLOCKED, State.READY, State.FAILED)
    return change.step is lifecycle.RELEASE and row.state in (State.SCHEDULED, State.BLOCKED, State.READY)
