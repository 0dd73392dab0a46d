"""Dramatiq and RQ on a Redis of their own, as Debian configures it, and with the log that Redis calls the safest."""

from __future__ import annotations

import os

import dramatiq
import redis
import rq
from dramatiq.brokers.redis import RedisBroker

from benchmarks.chaos_peers.peer import Peer, Submit, mark
from benchmarks.contestant import python
from benchmarks.servers import SAFEST, OnRedis

URL = f"redis://127.0.0.1:{os.environ.get('PEER_PORT', '0')}/0"
DURABLE = "Redis with appendonly, appendfsync always"

dramatiq.set_broker(RedisBroker(url=URL))


@dramatiq.actor
def work(number: int) -> None:
    """The job, for both."""
    mark(number)


def plain_work(number: int) -> None:
    """RQ takes functions by their name."""
    mark(number)


class OnOwnRedis(OnRedis, Peer):
    setting = "Redis as Debian configures it"


class Dramatiq(OnOwnRedis):
    name = "Dramatiq"

    def worker_command(self) -> list[str]:
        return python("-m", "dramatiq", "benchmarks.chaos_peers.redis_peers", "--processes", "1", "--threads", "1")

    def client(self) -> Submit:
        broker = RedisBroker(url=f"redis://127.0.0.1:{self.port}/0")
        return lambda number: [broker.enqueue(work.message(number))].clear()


class DramatiqSafest(Dramatiq):
    options, setting = SAFEST, DURABLE


class RQ(OnOwnRedis):
    name = "RQ"

    def worker_command(self) -> list[str]:
        return python("-m", "rq.cli", "worker", "--url", f"redis://127.0.0.1:{self.port}/0", "--quiet")

    def client(self) -> Submit:
        queue = rq.Queue(connection=redis.Redis(port=self.port))
        return lambda number: [queue.enqueue(plain_work, number)].clear()


class RQSafest(RQ):
    options, setting = SAFEST, DURABLE
