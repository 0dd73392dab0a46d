"""Counters since the hall started, and how Deputy names them.

Everything is counted by runs of equal changes, never job by job: docs/decisions/015.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cache
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

DELIVER = lifecycle.DELIVER.name
RUN_TO_ITS_END = frozenset({lifecycle.SUCCEED.name, lifecycle.FAIL.name, lifecycle.TIMEOUT.name})
COUNTERS = (
    "connected", "turned_away", "cut_off", "workers_joined", "commits", "submitted", "duplicates", "delivered",
    "succeeded", "failed", "retried", "released", "lost", "resumed", "cancelled", "expired", "woken", "tried_again",
    "changed", "removed", "committed", "discarded",
)  # fmt: skip


class Metrics:
    """What happened since `up_since_ms` (epoch milliseconds)."""

    def __init__(self, up_since_ms: int) -> None:
        self.up_since_ms = up_since_ms
        self._counts: Counter[str] = Counter(dict.fromkeys(COUNTERS, 0))  # all are there from the beginning
        self._figures = Figures()
        self._second = 0  # whole monotonic seconds: when what is not counted yet happened
        self._uncounted: dict[tuple[str, str, State | None], int] = {}  # jobs by queue, step and where that led
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

    @property
    def counts(self) -> Counter[str]:
        """By name, of the whole hall."""
        self._add_up()
        return self._counts

    @property
    def figures(self) -> Figures:
        """Of its queues."""
        self._add_up()
        return self._figures

    def count(self, batch: Batch, runs: Iterable[Run], now: Instant) -> None:
        """Add what a batch did that is durable `now`; `runs` are what it did to jobs, as events."""
        second = int(now.mono)
        if second != self._second:
            self._add_up()
            self._second = second
        self._counts["commits"] += 1
        self.committing_since = None
        if not batch.is_empty:
            self._figures.commits.add(now.mono - batch.now.mono)
        for submit in batch.submits:
            self._counts["duplicates"] += len(submit.duplicates)
        uncounted = self._uncounted
        begun: dict[str, list[int]] = {}
        for run in runs:
            key = (run.queue, run.name, run.state)
            uncounted[key] = uncounted.get(key, 0) + len(run.ids)
            if run.attempt == 1 and run.name == DELIVER:
                begun.setdefault(run.queue, []).extend(run.ids)
        for queue, ids in begun.items():
            self._figures.queue(queue, second).waits.add_ages(sorted(ids), batch.now.wall_ms)

    def _add_up(self) -> None:
        """Once a second, or when somebody asks: many batches have changed the same queues meanwhile."""
        for (queue, step, state), jobs in self._uncounted.items():
            figures = self._figures.queue(queue, self._second)
            for name, is_end in _counters(step, state):
                self._counts[name] += jobs
                figures.count(name, jobs, is_end, self._second)
        self._uncounted.clear()

    def ran(self, changes: Iterable[Change], now: Instant) -> None:
        """These changes were made; those of attempts that have come to their end, by success or not, say since when
        they ran. Of late answers only the store knows that."""
        together: dict[tuple[str, str, float], int] = {}
        for change in changes:
            if change.since and change.step.name in RUN_TO_ITS_END:
                key = (change.queue, change.kind, change.since)
                together[key] = together.get(key, 0) + change.jobs
        for (queue, kind, since), jobs in together.items():
            self._figures.ran(queue, kind, now.mono - since, jobs, int(now.mono))

    def deputy(self, connections: int) -> dict[str, Any]:
        """In the shape that Deputy's clients know."""
        shown = {"up_since": self.up_since_ms, "connections": connections}
        values = {**self.counts, "deputy_added": self.counts["submitted"] + self.counts["lost"]}
        shown |= {theirs: values[ours] for theirs, ours in DEPUTY_NAMES.items() if values.get(ours)}
        return shown


_RETRIED: dict[tuple[str, State | None], str] = {
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


@cache
def _counters(step: str, target: State | None) -> tuple[tuple[str, bool], ...]:
    """What counts a step that leads there, and whether that is a job's end."""
    name = _RETRIED.get((step, target)) or _STEPS[step]
    is_end = target in FINAL and name != "changed"
    return ((name, is_end), ("failed", False)) if name == "lost" and target is State.FAILED else ((name, is_end),)
