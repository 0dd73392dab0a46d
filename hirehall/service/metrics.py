"""Counters since the hall started, and how Deputy names them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hirehall.core import lifecycle
from hirehall.core.operations import Batch
from hirehall.model import State
from hirehall.service.events import Run

# Deputy's counters, absent until first counted, and ours that they show.
DEPUTY_NAMES = {
    "workers_added": "workers_joined",
    "jobs_added": "deputy_added",
    "jobs_dispatched": "delivered",
    "jobs_done": "succeeded",
    "jobs_reassigned": "lost",
}


COUNTERS = (
    "connected", "turned_away", "workers_joined", "commits", "submitted", "duplicates", "delivered", "succeeded",
    "failed", "retried", "released", "lost", "resumed", "cancelled", "expired", "woken", "tried_again", "changed",
    "removed",
)  # fmt: skip


class Metrics:
    """What happened since `up_since_ms` (epoch milliseconds)."""

    def __init__(self, up_since_ms: int) -> None:
        self.up_since_ms = up_since_ms
        self.counts: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))  # all are there from the beginning

    def count(self, batch: Batch, changes: Iterable[Run]) -> None:
        """Add what a durable batch did; `changes` are those of single jobs, as events."""
        counts = self.counts
        counts["commits"] += 1
        for submit in batch.submits:
            counts["submitted"] += len(submit.ids) - len(submit.duplicates)
            counts["duplicates"] += len(submit.duplicates)
            counts["delivered"] += submit.delivered
        for run in changes:
            counts[_counter(run.name, run.state)] += len(run.ids)
        counts["delivered"] += sum(len(claim.rows) for claim in batch.claims)
        for moved in batch.moved:
            counts[_MOVES.get(moved.state, "woken")] += 1

    def deputy(self, connections: int) -> dict[str, Any]:
        """In the shape that Deputy's clients know."""
        shown = {"up_since": self.up_since_ms, "connections": connections}
        values = {**self.counts, "deputy_added": self.counts["submitted"] + self.counts["lost"]}
        shown |= {theirs: values[ours] for theirs, ours in DEPUTY_NAMES.items() if values.get(ours)}
        return shown


_ENDS: dict[tuple[str, State | None], str] = {
    (lifecycle.FAIL.name, State.SCHEDULED): "retried",
    (lifecycle.TIMEOUT.name, State.SCHEDULED): "retried",
}
_STEPS = {
    lifecycle.SUCCEED.name: "succeeded",
    lifecycle.FAIL.name: "failed",
    lifecycle.TIMEOUT.name: "failed",
    lifecycle.RELEASE.name: "released",
    lifecycle.LOSE.name: "lost",
    lifecycle.CANCEL.name: "cancelled",
    lifecycle.RESUME.name: "resumed",
    lifecycle.RETRY.name: "tried_again",
    lifecycle.CHANGE.name: "changed",
    lifecycle.REMOVE.name: "removed",
}
_MOVES = {State.EXPIRED: "expired", State.CANCELLED: "cancelled", None: "removed"}


def _counter(step: str, target: State | None) -> str:
    return _ENDS.get((step, target)) or _STEPS[step]
