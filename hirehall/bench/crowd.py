"""Many idle workers in one process, each a connection of its own: what they take of the hall, and how long a submit
takes to reach one of them and to come back."""

from __future__ import annotations

import resource
import secrets
import selectors
import time
from contextlib import suppress

from hirehall.bench.peers import PATIENCE, Load, Peer, Progress, Tally, nobody
from hirehall.bench.raw_worker import bulk, deliveries
from hirehall.errors import Unavailable

SPARE = 128  # descriptors beside theirs, in this process and in the hall
LEASE_SECONDS = 3600  # they have nothing to lose: no beats


def room_for(wanted: int) -> int:
    """As many of the `wanted` connections as this process may open, once its limit is as high as it can be."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for limit in ((hard, hard), (wanted + SPARE, max(hard, wanted + SPARE))):  # the second is for root
        if resource.getrlimit(resource.RLIMIT_NOFILE)[0] < wanted + SPARE:
            with suppress(OSError, ValueError):
                resource.setrlimit(resource.RLIMIT_NOFILE, limit)
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if soft == resource.RLIM_INFINITY else max(min(wanted, soft - SPARE), 0)


class Crowd:
    """Idle workers of one queue, one job at a time each."""

    def __init__(self, url: str, token: str | None, queue: str) -> None:
        self._where = (url, token)
        self._queue = queue
        self._peers = selectors.DefaultSelector()

    def come(self, count: int, progress: Progress = nobody) -> None:
        """So many connect, say hello and ask for work."""
        work = {"cmd": "work", "queues": [self._queue], "kinds": ["noop"], "lease_seconds": LEASE_SECONDS}
        for number in range(count):
            peer = Peer(*self._where, worker=secrets.token_hex(8))
            self._peers.register(peer.sock, selectors.EVENT_READ, peer)
            deliveries([peer.ask(work)])
            progress(number + 1)

    def closed_loop(self, load: Load) -> tuple[list[float], list[float]]:
        """One job at a time: milliseconds from submit until a worker has it, and until its end is here."""
        client, message, tally = Peer(*self._where), load.messages(), Tally()
        reached, took = list[float](), list[float]()
        until = time.monotonic() + load.seconds
        try:
            while len(took) < load.count and time.monotonic() < until:
                began = time.perf_counter()
                client.sock.sendall(message(len(took), len(took) + 1))
                peer, answer = self._delivered()
                reached.append((time.perf_counter() - began) * 1000)
                peer.sock.sendall(answer)
                while tally.ended <= len(took):
                    tally.hear(client.hear())
                took.append((time.perf_counter() - began) * 1000)
        finally:
            client.close()
        return reached, took

    def _delivered(self) -> tuple[Peer, bytes]:
        until = time.monotonic() + PATIENCE
        while (left := until - time.monotonic()) > 0:
            for key, _ in self._peers.select(left):
                peer: Peer = key.data
                if jobs := deliveries(peer.hear()):
                    return peer, bulk(jobs)
        raise Unavailable(f"a job has reached none of {len(self._peers.get_map())} idle workers within {PATIENCE:g} s")

    def leave(self) -> None:
        """All hang up."""
        for key in self._peers.get_map().values():
            key.data.close()
        self._peers.close()
