"""The raw load generator: what a hall alone can carry. A client in this process and a worker in another, on plain
sockets, every submit and every result durable; a job counts when its end has reached the client."""

from __future__ import annotations

import secrets
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from hirehall.bench.gauge import Gauge, Row
from hirehall.bench.peers import PATIENCE, Done, Load, Peer, Tally, acked, encode, ended, exchange, submit_all
from hirehall.bench.raw_worker import Begin
from hirehall.errors import Unavailable
from hirehall.processes import Member

CREDIT = 1000


def nobody(_count: int) -> None:
    """Hears how far a load is, and tells nobody."""


class Raw:
    """Client and worker of one hall; `hall` is its process where that is known."""

    def __init__(self, url: str, token: str | None, hall: int | None, folder: Path, answers: str = "bulk") -> None:
        self.worker = Member("raw worker", "hirehall.bench.raw_worker", log=folder / "raw-worker.log")
        try:
            self.gauge = Gauge(hall, self.worker.pid)
            self._tell(Begin(url, token, answers))
            self.peer = Peer(url, token)
        except BaseException:
            self.worker.end()
            raise

    def close(self) -> None:
        """Both leave."""
        self.peer.close()
        self.worker.end()

    def end_to_end(self, what: str, load: Load, progress: Callable[[int], None] = nobody) -> Row:
        """From submit to end, with the worker there from the beginning."""
        self.serve(load.queue)
        with self.gauge.measured(what) as row:
            row.jobs = self._all(what, load, ended, progress).ended
        self.serve(None)
        return row

    def enqueue(self, what: str, load: Load, progress: Callable[[int], None] = nobody) -> tuple[Row, Tally]:
        """Submit without a worker; the tally is for `drain`."""
        with self.gauge.measured(what) as row:
            tally = self._all(what, load, acked, progress)
            row.jobs = tally.acked
        return row, tally

    def drain(self, what: str, load: Load, tally: Tally, progress: Callable[[int], None] = nobody) -> Row:
        """Let the worker come and take what was enqueued, until the last end is here."""
        until = time.monotonic() + load.seconds
        with self.gauge.measured(what) as row:
            self.serve(load.queue)
            while tally.ended < load.count and (left := until - time.monotonic()) > 0:
                exchange(self.peer, deque(), tally, left)
                progress(tally.ended)
            row.jobs = tally.ended
        self.serve(None)
        check_all(what, tally.ended, load)
        return row

    def closed_loop(self, load: Load) -> list[float]:
        """One job at a time, from submit to end: the milliseconds of each."""
        self.serve(load.queue)
        message, tally = load.messages(), Tally()
        took: list[float] = []
        until = time.monotonic() + load.seconds
        while len(took) < load.count and time.monotonic() < until:
            began = time.perf_counter()
            self.peer.sock.sendall(message(len(took), len(took) + 1))
            while tally.ended <= len(took):
                tally.hear(self.peer.hear())
            took.append((time.perf_counter() - began) * 1000)
        self.serve(None)
        return took

    def serve(self, queue: str | None) -> None:
        """The worker serves this queue only, or none."""
        self._tell({"queues": [queue or "nowhere"], "kinds": ["noop"], "credit": CREDIT if queue else 0})

    def _all(self, what: str, load: Load, done: Done, progress: Callable[[int], None]) -> Tally:
        tally = submit_all(self.peer, load, done, progress)
        check_all(what, done(tally), load)
        return tally

    def _tell(self, order: object) -> None:
        self.worker.tell(encode(order).decode())
        if not self.worker.hear(PATIENCE):
            self.worker.check()
            raise Unavailable("the raw worker does not answer")


def check_all(what: str, count: int, load: Load) -> None:
    """Raises Unavailable when a load was not done in its time."""
    if count < load.count:
        raise Unavailable(f"{what}: {count} of {load.count} jobs within {load.seconds:g} s")


def new_queue() -> str:
    """A queue that nobody has used before."""
    return f"bench-{secrets.token_hex(4)}"


@contextmanager
def raw_load(url: str, token: str | None, hall: int | None = None, answers: str = "bulk") -> Iterator[Raw]:
    """Client and worker; both are gone afterwards. `answers` is one of `raw_worker.ANSWERS`."""
    with TemporaryDirectory(prefix="hirehall-bench-") as folder:
        raw = Raw(url, token, hall, Path(folder), answers)
        try:
            yield raw
        finally:
            raw.close()
