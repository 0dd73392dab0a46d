"""beanstalkd with its Python client, greenstalk: each call waits for its answer."""

from __future__ import annotations

from typing import Any

import greenstalk

from benchmarks.peers.bell import Bell, ring
from benchmarks.peers.peer import BODY, ONE_OR_MORE, PORT, Client, Peer, Threads, module
from benchmarks.servers import OnBeanstalkd


class GreenstalkClient(Threads):
    """One connection a thread."""

    def __init__(self, peer: Peer) -> None:
        super().__init__(lambda: Putter(peer.port), peer.widths)
        self._bell = Bell(peer.folder)

    def await_all(self, submitted: list[Any]) -> None:
        self._bell.hear(len(submitted))


class Putter:
    """Puts one job."""

    def __init__(self, port: int) -> None:
        self._client = greenstalk.Client(("127.0.0.1", port), encoding=None)

    def __call__(self) -> int:
        job: int = self._client.put(BODY)
        return job


class Beanstalkd(OnBeanstalkd, Peer):
    name, setting = "beanstalkd", "memory, as it comes"
    lost = "everything"
    client_is = "greenstalk: one put at a time"
    worker_is = "greenstalk: reserve, delete"
    known = "the worker rings after its delete was answered"
    packages: tuple[str, ...] = ("greenstalk",)

    def worker_command(self) -> list[str]:
        return module("beanstalkd_peer")

    def client(self) -> Client:
        return GreenstalkClient(self)


class BeanstalkdSynced(Beanstalkd):
    setting, options = "-b -f0: fsync per write", ("-b", ".", "-f0")
    lost = "nothing"
    client_is = f"greenstalk: {ONE_OR_MORE}"
    is_durable = True


def work() -> None:
    """The worker."""
    with greenstalk.Client(("127.0.0.1", PORT), encoding=None) as client:
        while True:
            client.delete(client.reserve())
            ring()


if __name__ == "__main__":
    work()
