"""After the healing every job ends, within a bound that is counted job by job.

Own time of a job: (attempts it has left + 1) x (a lease and the second in which the hall looks + its longest backoff +
what a timed-out attempt has to report), and a grace for a worker that closed its connection.

To that comes what it waits for: its due time, the jobs it names in `after`, the own times of those with the same lock,
its turn in a queue with a rate. The clock starts when the last fault is over: when the hall thaws, and an orderly end
that was under way is done.
"""

from __future__ import annotations

import heapq
from collections import Counter
from typing import TYPE_CHECKING

from hirehall.core.leases import STOP_SECONDS
from hirehall.model import GRACE_SECONDS, State
from tests.sim.disk import Row
from tests.sim.ledger import rules_of

if TYPE_CHECKING:
    from tests.sim.world import World

LEASE_SECONDS = 2.0
LOOK_SECONDS = 1.5  # an expired lease is found so much later
BACKOFF_SECONDS = 2.2  # the longest that clients ask for, with its jitter
BEGIN_SECONDS = 5.0  # for lines that are on their way, a restart that is, and everybody to connect
ENDING_SECONDS = 20.0  # an orderly end that waits for its workers, and the start after it


class Liveness:
    """Begins with the healing; `check` raises when a job is late."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._ledger = world.audit.ledger
        self._dues: list[tuple[float, int]] = []
        self._seen: dict[int, float] = {}
        self._queued: Counter[str] = Counter()
        ending = world.hall_is_up and world.hall.ending.begun
        self._begin = max(world.now, world.hall_loop.frozen_until) + BEGIN_SECONDS + ENDING_SECONDS * ending
        self._begin += 3 * LEASE_SECONDS * len(world.castaways)  # each may have had the job once or twice for nothing
        self.longest = 0.0

    def check(self) -> None:
        """Of all that has not ended: new ones get their bound, and none is late."""
        for job in self._ledger.open - self._seen.keys():
            self._due(job)
        while self._dues and self._dues[0][0] < self._world.now:
            _, job = heapq.heappop(self._dues)
            row = self._ledger.rows.get(job)
            late = job in self._ledger.open and self._bound(row or {}) < self._world.now
            self._world.audit.demand(not late, "every job ends in time after the healing", row=row)
            if job in self._ledger.open:  # others came before it meanwhile
                heapq.heappush(self._dues, (self._bound(row or {}), job))

    def _due(self, job: int) -> None:
        row = self._ledger.rows[job]
        self._seen[job] = max(self._begin, self._world.now)
        self._queued[row["queue"]] += 1
        due = self._bound(row)
        self.longest = max(self.longest, due - self._world.now)
        heapq.heappush(self._dues, (due, job))

    def _bound(self, row: Row) -> float:
        """When it must have ended, monotonic seconds."""
        rules, rows = rules_of(row), self._ledger.rows
        begin = self._seen[row["id"]]
        if row["state"] == State.SCHEDULED and row["wake_at"] is not None:
            begin = max(begin, self._world.now + (row["wake_at"] - self._world.wall_ms()) / 1000)
        for parent in rules.after or []:
            if parent in self._ledger.open:
                self._seen.setdefault(parent, begin)
                begin = max(begin, self._bound(rows[parent]))
        beside = [row]
        if rules.lock is not None:
            beside = [rows[job] for job in self._ledger.open if self._shares_lock(rows[job], row)]
            begin = max([begin, *(self._seen.get(other["id"], begin) for other in beside)])
        if row["queue"] == "narrow" and self._world.work.limits:
            begin += self._queued["narrow"] / self._world.rate * 2  # a hand-out that is lost costs its turn
        if row["queue"] == "double" and self._world.max_running:
            begin += max(own_seconds(other) for other in beside) + STOP_SECONDS  # dead hands fill the queue
        return begin + sum(map(own_seconds, beside))

    def _shares_lock(self, one: Row, other: Row) -> bool:
        return one["queue"] == other["queue"] and rules_of(one).lock == rules_of(other).lock


def own_seconds(row: Row) -> float:
    """How long it may take by itself."""
    left = row["max_attempts"] - (row["attempt"] - row["forgiven"])
    report = STOP_SECONDS if rules_of(row).timeout_seconds is not None else 0.0
    return (left + 1) * (LEASE_SECONDS + LOOK_SECONDS + BACKOFF_SECONDS + report) + GRACE_SECONDS
