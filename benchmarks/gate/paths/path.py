"""What a path is: a client, a worker, and slices of `before`, `run` and `after`, of which `run` is measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from benchmarks.gate.halls import Hall
from benchmarks.gate.loop import WAVES, Batches
from benchmarks.gate.messages import bulk_dones, line
from hirehall.bench.peers import Delivery, Heard, Peer

LEASE_SECONDS = 600  # no lease runs out while the machine is busy


class Path:
    """A subclass is one path. Its docstring says what one is measured of and what is done."""

    BESIDE: ClassVar[Batches] = WAVES  # what the loop does in turn with it

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self.client = hall.peer()
        self.worker = hall.peer(worker="gate")
        self.serve(kinds=["noop"])
        self.held: list[Delivery] = []
        self.prepare()

    def prepare(self) -> None:
        """Once, before the first slice."""

    def before(self) -> None:
        """What a slice needs."""

    def run(self) -> int:
        """What is measured; of how many."""
        raise NotImplementedError

    def after(self) -> None:
        """Put away what a slice leaves."""

    def serve(self, credit: int = 0, **served: object) -> None:
        """What the worker serves."""
        self.worker.ask({"cmd": "work", "credit": credit, "lease_seconds": LEASE_SECONDS, **served})

    def submit(self, messages: Sequence[bytes]) -> None:
        """Every one of these is answered."""
        self.client.sock.sendall(b"".join(messages))
        replies(self.client, len(messages))

    def take(self, count: int) -> None:
        """The worker gets so many jobs."""
        self.worker.sock.sendall(line("credit", credit=count))
        self.held = deliveries(self.worker, count)

    def finish(self) -> None:
        """The worker answers all it has, at once, and takes no more."""
        self.worker.sock.sendall(line("credit", credit=0) + bulk_dones(self.held))
        replies(self.worker, 2)

    def close(self) -> None:
        """All leave."""
        for peer in (self.client, self.worker):
            peer.close()


def replies(peer: Peer, count: int) -> None:
    """Hear so many answers."""
    while count > 0:
        count -= sum(not (heard.run or heard.end) for heard in understood(peer))


def deliveries(peer: Peer, count: int) -> list[Delivery]:
    """Hear until so many jobs have come."""
    jobs: list[Delivery] = []
    while len(jobs) < count:
        jobs += [job for heard in understood(peer) for job in heard.run]
    return jobs


def understood(peer: Peer) -> list[Heard]:
    """What the next read brings; nothing of it may be a refusal."""
    lines = peer.hear()
    for heard in lines:
        if heard.error is not None or heard.refused:
            raise RuntimeError(f"the hall refused: {heard.error or heard.refused}")
    return lines
