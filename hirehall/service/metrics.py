"""Counters since the hall started, and how Deputy names them.

Everything is counted by runs of equal changes, never job by job: docs/decisions/015.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from hirehall.core import lifecycle
from hirehall.core.operations import Batch, Change
from hirehall.model import FINAL, Instant, State
from hirehall.service.events import Run
from hirehall.service.figures import Figures

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
    "removed", "committed", "discarded",
)  # fmt: skip


class Metrics:
    """What happened since `up_since_ms` (epoch milliseconds)."""

    def __init__(self, up_since_ms: int) -> None:
        self.up_since_ms = up_since_ms
        self.counts: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))  # all are there from the beginning
        self.figures = Figures()
        self.committing_since: float | None = None  # monotonic seconds: the store has a batch
        self.inside: Counter[str] = Counter()  # connections that are open, by door, and below how many there were
        self.taken: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()

    def listening(self, door: str) -> None:
        """It has figures from now on: the first increase of a counter that was not there before is not seen."""
        for counter in (self.inside, self.taken, self.refused):
            counter[door] += 0

    def entered(self, door: str) -> None:
        """A connection was taken."""
        self.inside[door] += 1
        self.taken[door] += 1

    def left(self, door: str) -> None:
        """It is gone."""
        self.inside[door] -= 1

    def turned_away(self, door: str) -> None:
        """There was no room for it."""
        self.refused[door] += 1
        self.counts["turned_away"] += 1

    def count(self, batch: Batch, runs: Iterable[Run], now: Instant) -> None:
        """Add what a batch did that is durable `now`; `runs` are what it did to jobs, as events."""
        counts, second = self.counts, int(now.mono)
        counts["commits"] += 1
        self.committing_since = None
        if not batch.is_empty:
            self.figures.commits.add(now.mono - batch.now.mono)
        for submit in batch.submits:
            counts["duplicates"] += len(submit.duplicates)
        for run in runs:
            name, jobs = _counter(run.name, run.state), len(run.ids)
            counts[name] += jobs
            queue = self.figures.queue(run.queue, second)
            queue.count(name, jobs, run.state in FINAL and name != "changed", second)
            if name == "lost" and run.state is State.FAILED:
                counts["failed"] += jobs
                queue.counts["failed"] += jobs
            if run.attempt == 1 and name == "delivered":
                queue.waits.add_ages(run.ids, run.at_ms)

    def ran(self, queue: str, kind: str, changes: list[Change], now: Instant) -> None:
        """Attempts have come to their end, by success or not; of late answers the store only knows since when."""
        together: Counter[float] = Counter()
        for change in changes:
            together[change.since] += change.jobs
        for since, jobs in together.items():
            if since:
                self.figures.ran(queue, kind, now.mono - since, jobs, int(now.mono))

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
    "submit": "submitted",
    lifecycle.DELIVER.name: "delivered",
    lifecycle.SUCCEED.name: "succeeded",
    lifecycle.FAIL.name: "failed",
    lifecycle.TIMEOUT.name: "failed",
    lifecycle.RELEASE.name: "released",
    lifecycle.LOSE.name: "lost",
    lifecycle.CANCEL.name: "cancelled",
    lifecycle.EXPIRE.name: "expired",
    lifecycle.DUE.name: "woken",
    lifecycle.UNBLOCK.name: "woken",
    lifecycle.RESUME.name: "resumed",
    lifecycle.RETRY.name: "tried_again",
    lifecycle.CHANGE.name: "changed",
    lifecycle.REMOVE.name: "removed",
    lifecycle.COMMIT.name: "committed",
    lifecycle.DISCARD.name: "discarded",
}


def _counter(step: str, target: State | None) -> str:
    return _ENDS.get((step, target)) or _STEPS[step]
