"""The raw load generator: what a hall alone can carry. A client in this process and a worker in another, on plain
sockets, every submit and every result durable; a job counts when its end has reached the client."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hirehall.bench.gauge import Gauge, Row
from hirehall.bench.halls import ENDING_SECONDS, RunningHall
from hirehall.bench.peers import (
    PATIENCE,
    Load,
    Peer,
    Progress,
    Tally,
    acked,
    await_ends,
    encode,
    ended,
    nobody,
    submit_all,
)
from hirehall.bench.raw_worker import Begin
from hirehall.errors import HallError
from hirehall.processes import Member

CREDIT = 1000
LOOK_SECONDS = 1.0


class Raw:
    """Client and worker of one hall."""

    def __init__(self, hall: RunningHall, answers: str = "bulk") -> None:
        self.worker = Member("raw worker", "hirehall.bench.raw_worker", log=hall.folder / "raw-worker.log")
        try:
            self.gauge = Gauge(hall.pid, self.worker.pid)
            self._tell(Begin(hall.url, hall.token, str(hall.folder), answers))
            self.peer = Peer(hall.url, hall.token)
        except BaseException:
            self.worker.end()
            raise

    def close(self) -> None:
        """Both leave."""
        self.peer.close()
        self.worker.end()

    def end_to_end(self, what: str, load: Load, progress: Progress = nobody) -> Row:
        """From submit to end, with the worker there from the beginning."""
        self.serve(load.queue)
        with self.gauge.measured(what) as row:
            row.jobs = submit_all(self.peer, load, ended, self._watched(progress)).ended
        self.serve(None)
        return row

    def enqueue(self, what: str, load: Load, progress: Progress = nobody) -> tuple[Row, Tally]:
        """Submit without a worker; the tally is for `drain`."""
        with self.gauge.measured(what) as row:
            tally = self.submit(load, progress)
            row.jobs = tally.acked
        return row, tally

    def submit(self, load: Load, progress: Progress = nobody) -> Tally:
        """Until each submit is answered."""
        return submit_all(self.peer, load, acked, self._watched(progress))

    def drain(self, what: str, queue: str, tally: Tally, count: int, progress: Progress = nobody) -> Row:
        """Let the worker come and take at least `count` jobs that the client follows, until the end of each that it
        took is here."""
        before, answered = tally.ended, self._answered
        with self.gauge.measured(what) as row:
            self.serve(queue)
            await_ends(self.peer, tally, before + count, self._watched(progress))
            self.serve(None)
            await_ends(self.peer, tally, before + self._answered - answered, self._watched(progress))
            row.jobs = tally.ended - before
        return row

    def serve(self, queue: str | None) -> None:
        """The worker serves this queue only, or none: then it has answered all that it was given."""
        self._tell({"queues": [queue or "nowhere"], "kinds": ["noop"], "credit": CREDIT if queue else 0})

    def _watched(self, progress: Progress) -> Progress:
        """Tells on, and looks each second whether the worker is still there."""
        looked_at = time.monotonic()

        def tell(count: int) -> None:
            nonlocal looked_at
            if time.monotonic() > looked_at + LOOK_SECONDS:
                looked_at = time.monotonic()
                self.worker.check()
            progress(count)

        return tell

    def _tell(self, order: object) -> None:
        self.worker.tell(encode(order).decode())
        if not (line := self.worker.hear(PATIENCE)):
            self.worker.wait(ENDING_SECONDS)
            self.worker.check()
        self._answered = int(line)


def new_queue() -> str:
    """A queue that nobody has used before."""
    return f"bench-{secrets.token_hex(4)}"


@contextmanager
def raw_load(hall: RunningHall, answers: str = "bulk") -> Iterator[Raw]:
    """Client and worker; both are gone afterwards. `answers` is one of `raw_worker.ANSWERS`."""
    raw = Raw(hall, answers)
    try:
        yield raw
    except (HallError, OSError):
        raw.worker.check()
        raise
    finally:
        raw.close()
