"""The same beside many waiting jobs: enqueue and drain at both ends of a long queue, in turn with a hall whose queue is
empty, so that a machine that is faster one minute and slower the next does not tell a wrong ratio."""

from __future__ import annotations

import statistics
import time

from hirehall.bench.gauge import Row
from hirehall.bench.halls import OwnHall, RunningHall
from hirehall.bench.keeping import check_queue
from hirehall.bench.official import control
from hirehall.bench.peers import PATIENCE, Load, Peer, Progress, Tally, nobody
from hirehall.bench.raw import Raw
from hirehall.bench.raw_worker import deliveries
from hirehall.errors import Unavailable

BATCH = 100
WINDOW = 10_000


class Line:
    """A queue of one hall, and what has been put into it and taken out of it."""

    def __init__(self, hall: RunningHall, raw: Raw, name: str, load: Load) -> None:
        self.hall = hall
        self.queue = load.queue
        self._raw = raw
        self._name = name
        self._more = load.more
        self._submitted = 0
        self._depth = 0  # so many wait between the turns
        self._heard = Tally()
        self.enqueued: list[Row] = []
        self.drained: list[Row] = []

    def fill(self, count: int, progress: Progress = nobody) -> Row:
        """So many more jobs wait."""
        with self._raw.gauge.measured(self._name) as row:
            row.jobs = self._submit(count, progress)
        self._depth += count
        return row

    def top_up(self) -> None:
        """As many wait as shall: a worker that drains takes what it has credit for, which is more than its share, and
        of a short line that is all."""
        self._submit(max(self._depth - self._waiting, 0))

    @property
    def _waiting(self) -> int:
        return self._submitted - self._heard.ended

    def _submit(self, count: int, progress: Progress = nobody) -> int:
        """In bulk, and by themselves what does not fill a message."""
        rest = count % BATCH
        for jobs, batch, told in ((count - rest, BATCH, progress), (rest, 1, nobody)):
            load = Load(self.queue, jobs, batch, WINDOW, seconds=float("inf"), more=self._more)
            self._submitted += self._raw.submit(load, told).acked
        return count

    def warm_up(self, jobs: int, seconds: float) -> None:
        """A turn that does not count."""
        self.turn(jobs, seconds)
        self.enqueued.clear()
        self.drained.clear()

    def turn(self, jobs: int, seconds: float) -> None:
        """Enqueue at the end, and drain as many from the front."""
        self.top_up()
        load = Load(self.queue, jobs, seconds=seconds, more=self._more)
        row, tally = self._raw.enqueue(f"enqueue, {self._name}", load)
        self._submitted += tally.acked
        self.enqueued.append(row)
        self.drained.append(self._raw.drain(f"drain, {self._name}", self.queue, self._heard, tally.acked))
        self.check()

    def check(self) -> None:
        """Raises JobsMissing unless the hall holds what was put in and not taken out."""
        counts = {"ready": self._waiting, "succeeded": self._heard.ended}
        with control(self.hall) as asking:
            check_queue(asking, self.queue, counts)


def cost_ratio(beside: list[Row], empty: list[Row]) -> float | None:
    """Of the hall's median CPU time for a job, where it is known: above 1 is dearer."""
    costs = [[row.hall_us for row in rows if row.hall_us is not None] for rows in (beside, empty)]
    return statistics.median(costs[0]) / statistics.median(costs[1]) if all(map(any, costs)) else None


def rate(rows: list[Row]) -> float:
    """The median."""
    return statistics.median(row.jobs_per_s or 0.0 for row in rows)


def restart_seconds(hall: OwnHall, queue: str) -> float:
    """From the start of the hall on its data until a worker has its first job."""
    hall.stop()
    began = time.monotonic()
    hall.start()
    peer = Peer(hall.url, hall.token, worker="the first")
    try:
        await_delivery(peer, queue)
        return time.monotonic() - began
    finally:
        peer.close()


def await_delivery(peer: Peer, queue: str) -> None:
    """Ask for work until there is some. It may come in one read with the answer."""
    peer.tell({"cmd": "work", "queues": [queue], "kinds": ["noop"], "lease_seconds": 60})
    until = time.monotonic() + PATIENCE
    while not deliveries(peer.hear()):
        if time.monotonic() > until:
            raise Unavailable(f"the restarted hall has delivered nothing for {PATIENCE:g} s")
