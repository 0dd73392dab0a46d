"""What queues with limits must keep to: how many run, how many start in a second, how many wait."""

from __future__ import annotations

from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from hirehall.model import Instant, State
from tests.sim.disk import Row

if TYPE_CHECKING:
    from tests.sim.ledger import Ledger, Moved


class Limits:
    """The starts and the waiting jobs of each queue, counted apart from the hall."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._tokens: dict[str, tuple[float, float]] = {}  # what is left of a queue's rate, and when that was
        self._waiting: list[int] = [
            0
        ]  # jobs of `narrow` that each of the last commits left ready, or took in and began

    def restarted(self) -> None:
        """A hall that starts anew has its bucket full again, and knows all that is ready."""
        self._tokens.clear()

    def check(self, moved: Moved, at: Instant) -> None:
        """Of one commit, sealed `at`."""
        started: dict[str, list[Row]] = {}
        for old, row in moved:
            if row["state"] == State.RUNNING and (old is None or old["attempt"] < row["attempt"]):
                started.setdefault(row["queue"], []).append(row)
        for queue, settings in self._ledger.queues_before.items():
            rows = started.get(queue, [])
            if settings.max_running is not None and rows:
                self._check_running(queue, settings.max_running, moved)
            if settings.max_per_second is not None:
                self._check_rate(queue, settings.max_per_second, at.mono, rows)
            else:
                self._tokens.pop(queue, None)
            if settings.max_waiting is not None and self._ledger.is_as_known(queue, self._ledger.commits - 2):
                self._check_waiting(queue, settings.max_waiting, moved)
        ready = sum(row["queue"] == "narrow" for lane in self._ledger.ready.values() for row in lane.values())
        passed = sum(old is None and row["queue"] == "narrow" and row["state"] != State.READY for old, row in moved)
        self._waiting = [*self._waiting[-3:], ready + passed]

    def _check_running(self, queue: str, most: int, moved: Moved) -> None:
        """What a worker keeps that comes back does not count."""
        running = self._ledger.running[queue]
        kept = sum(row["id"] in running and _is_kept(old, row) for old, row in moved)
        beside = len(running) - kept
        self._ledger.demand(beside <= most, "no more jobs run than may", queue=queue, running=beside)

    def _check_rate(self, queue: str, rate: float, now: float, rows: list[Row]) -> None:
        """A bucket that holds one second's jobs, or one: in no window may more start than it allows."""
        most = max(rate, 1.0)
        left, since = self._tokens.get(queue, (most, now))
        left = min(most, left + rate * (now - since)) - len(rows)
        self._tokens[queue] = (left, now)
        if rows:
            self._ledger.world.count("rate kept")
        self._ledger.demand(left > -1e-6, "no more jobs start in a second than may", queue=queue, left=left)

    def _check_waiting(self, queue: str, most: int, moved: Moved) -> None:
        """A submit was taken only while there was room. What came back otherwise counts when the hall could know it:
        so does a new job with a gate, which waits for that first, and was let in when the store had looked."""
        ledger = self._ledger
        new = [
            (old is not None, row["id"], row)  # drafts go into the room that submits leave
            for old, row in moved
            if (old is None or old["state"] == State.DRAFT) and row["state"] == State.READY and row["queue"] == queue
        ]
        ready = [row for lane in ledger.ready.values() for row in lane.values() if row["queue"] == queue]
        waiting = sum(ledger.ready_since[row["id"]] <= ledger.commits - 2 for row in ready)
        for *_, row in sorted(new, key=itemgetter(0, 1)):  # as they were taken
            ledger.demand(waiting < most, "no more jobs wait than may", queue=queue, row=row, new=new)
            waiting += not _is_gated(row)

    def busy(self, asked: dict[str, Any], others: int) -> None:
        """A submit, or the commit of a draft, was refused because its queue was full: with what `others` may have on
        their way it was."""
        jobs = sum(job.get("queue") == "narrow" for job in asked.get("jobs", [asked]))
        found, limit = max(self._waiting), self._ledger.world.max_waiting
        honest = jobs and found + others + jobs > limit
        self._ledger.demand(honest, "a queue says busy when it is", asked=asked, found=found, others=others)


def _is_kept(old: Row | None, row: Row) -> bool:
    """Whether a worker came back and keeps it."""
    return old is not None and old["state"] == State.READY and old["attempt"] == row["attempt"]


def _is_gated(row: Row) -> bool:
    """Whether it waits for other jobs or for a lock."""
    rules = msgspec.json.decode(row["rules"]) if row["rules"] else {}
    return bool(rules.get("lock") or rules.get("after"))
