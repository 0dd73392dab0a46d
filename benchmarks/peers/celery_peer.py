"""Celery on Redis, results too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from celery import Celery
from celery.result import AsyncResult

from benchmarks.contestant import python
from benchmarks.peers.on_redis import URL, PeerOnRedis
from benchmarks.peers.peer import PATIENCE, PAYLOAD, Client, Threads

app = Celery("peers", broker=URL, backend=URL)
app.conf.worker_prefetch_multiplier = 64


@app.task(name="noop")
def noop(payload: Any) -> None:
    """The job."""


class CeleryClient(Threads):
    def await_all(self, submitted: list[AsyncResult]) -> None:
        for result in submitted:
            result.get(timeout=PATIENCE)


class CeleryPeer(PeerOnRedis):
    name = "Celery on Redis"
    client_is = "one delay() at a time"
    worker_is = "solo pool, prefetch 64"
    known = "the job's result"
    packages = ("celery", "redis")

    def worker_command(self) -> list[str]:
        quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
        own = ["--pool", "solo", "--concurrency", "1", *quiet]
        return python("-m", "celery", "--app", "benchmarks.peers.celery_peer", "worker", *own)

    def client(self) -> Client:
        def connect() -> Callable[[], Any]:
            return lambda: noop.delay(PAYLOAD)

        return CeleryClient(connect, self.widths)
