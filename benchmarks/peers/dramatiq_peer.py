"""Dramatiq with results. Its worker fetches many at once and has threads that wait for Redis."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import dramatiq
from dramatiq.brokers.redis import RedisBroker
from dramatiq.results import Results
from dramatiq.results.backends import RedisBackend

from benchmarks.contestant import python
from benchmarks.peers.on_redis import URL, PeerOnRedis, Safest
from benchmarks.peers.peer import ONE_OR_MORE, PATIENCE, PAYLOAD, THREADS, Client, Threads

broker = RedisBroker(url=URL)
broker.add_middleware(Results(backend=RedisBackend(url=URL)))
dramatiq.set_broker(broker)


@dramatiq.actor(store_results=True)
def noop(payload: Any) -> bool:
    """The job. A result that is None is not kept."""
    return True


class DramatiqClient(Threads):
    def await_all(self, submitted: list[dramatiq.Message[Any]]) -> None:
        for message in submitted:
            message.get_result(block=True, timeout=int(PATIENCE * 1000))


class Dramatiq(PeerOnRedis):
    name = "Dramatiq"
    client_is = "one enqueue at a time"
    worker_is = f"1 process, {THREADS} threads, prefetch 1,000"
    known = "the job's result"
    packages = ("dramatiq", "redis")

    def extra(self) -> Mapping[str, str]:
        return {**super().extra(), "dramatiq_queue_prefetch": "1000"}

    def worker_command(self) -> list[str]:
        return python("-m", "dramatiq", "benchmarks.peers.dramatiq_peer", "--processes", "1", "--threads", str(THREADS))

    def client(self) -> Client:
        def connect() -> Callable[[], Any]:
            return lambda: noop.send(PAYLOAD)

        return DramatiqClient(connect, self.widths)


class DramatiqSafest(Safest, Dramatiq):
    client_is = ONE_OR_MORE
