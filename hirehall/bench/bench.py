"""One run of the bench: what it may cost, the halls it opens, and what was measured so far."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from msgspec import Struct

from hirehall.bench.gauge import Row
from hirehall.bench.halls import RunningHall
from hirehall.bench.keeping import check_queue, tidy
from hirehall.bench.official import control
from hirehall.bench.peers import Load, Progress
from hirehall.bench.raw import new_queue
from hirehall.errors import HallError

Tell = Callable[[str, int, int], None]  # the row, how far it is, of how many
OpenHall = Callable[[int], AbstractContextManager[RunningHall]]  # with room for so many connections
FOREIGN_KEEP_SECONDS = 3600  # in a running hall, should we not be able to remove our jobs


class Budget(Struct, frozen=True, kw_only=True):
    """How much of everything. None: not measured."""

    jobs: int = 200_000
    seconds: float = 10.0
    window: int = 2000  # jobs under way
    bulk_window: int = 10_000
    loops: int = 3000
    idle_seconds: float = 10.0
    backlog: int | None = 1_000_000
    turns: int = 3  # of the backlog
    idle_workers: int | None = 10_000
    sustained_minutes: float | None = None
    within_seconds: float | None = None  # the whole run, however slow the machine: rows are shortened for it


QUICK = Budget(
    jobs=20_000, seconds=0.4, window=500, bulk_window=2000, loops=300, idle_seconds=1.0, backlog=5000, turns=1,
    idle_workers=200, within_seconds=20.0,
)  # fmt: skip
ROWS = 20  # loads of one run, about
BATCH = 100  # jobs of a bulk submit


class Bench:
    """What was asked for, and what was measured so far. `open_hall` starts another hall of our own each time, or leads
    to the running one."""

    def __init__(self, open_hall: OpenHall, budget: Budget, tell: Tell) -> None:
        self.budget = budget
        self.rows: list[Row] = []
        self.figures: dict[str, Any] = {}
        self.not_measured: dict[str, str] = {}
        self.remarks: list[str] = []
        self.durability = ""
        self.at = "the start"  # the row that is measured
        self.incomplete: str | None = None  # why it has come no further
        self._open_hall = open_hall
        self._tell = tell
        self._foreign_queues: list[str] = []
        self._until = time.monotonic() + (budget.within_seconds or math.inf)

    @contextmanager
    def hall(self, connections: int = 0) -> Iterator[RunningHall]:
        """A hall for some rows. When they fail because it has ended, that is what is raised."""
        with self._open_hall(connections) as hall:
            try:
                yield hall
            except (HallError, OSError):
                hall.check()
                raise
            finally:
                self._tidy(hall)

    def load(self, hall: RunningHall, *, bulk: bool = False, jobs: int | None = None) -> Load:
        """A load on a queue of its own, within the budget."""
        queue, budget = new_queue(), self.budget
        more: dict[str, Any] = {}
        if hall.pid is None:
            self._foreign_queues.append(queue)
            more = {"keep_seconds": FOREIGN_KEEP_SECONDS}
        batch, window = (BATCH, budget.bulk_window) if bulk else (1, budget.window)
        return Load(queue, jobs or budget.jobs, batch, window, self.seconds(), more=more)

    def seconds(self) -> float:
        """How long the next load may take: shorter and shorter when the time for all of them runs out."""
        return min(self.budget.seconds, max(self._until - time.monotonic(), 4.0) / ROWS)

    def progress(self, what: str, of: int) -> Progress:
        """Tells how far a row is."""
        self.at = what
        self._tell(what, 0, of)
        return lambda count: self._tell(what, count, of)

    def keep(self, row: Row) -> Row:
        """Another row of the table."""
        self.rows.append(row)
        return row

    def check(self, hall: RunningHall, load: Load, **expected: int) -> None:
        """Raises JobsMissing when the store does not hold what it should."""
        with control(hall) as asking:
            check_queue(asking, load.queue, expected)

    def _tidy(self, hall: RunningHall) -> None:
        queues, self._foreign_queues = self._foreign_queues, []
        if not queues:
            return
        self._tell("tidying up", 0, 1)
        try:
            with control(hall) as asking:
                tidy(asking, queues)
        except (HallError, OSError) as why:
            self._leave(queues, str(why))
        except KeyboardInterrupt:
            self.at = "tidying up"
            self._leave(queues, "interrupted")
            raise

    def _leave(self, queues: list[str], why: str) -> None:
        self.remarks.append(
            f"jobs may be left in the queues {', '.join(queues)} ({why}): what has ended goes within an hour,"
            f" what waits stays until it is cancelled (hirehall cancel --queue {queues[0]})"
        )
