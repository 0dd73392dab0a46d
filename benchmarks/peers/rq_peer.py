"""RQ with its worker that does not fork."""

from __future__ import annotations

import time
from typing import Any

import redis
import rq
from rq.job import Job
from rq.registry import FinishedJobRegistry

from benchmarks.contestant import python
from benchmarks.peers.on_redis import URL, PeerOnRedis
from benchmarks.peers.peer import PATIENCE, PAYLOAD, Client, batches

TTL = 600  # seconds; longer than a run


def noop(payload: Any) -> None:
    """The job."""


class RQClient(Client):
    """Knows how many jobs are finished from the server's own list of them; a job that is alone is waited for."""

    can_many = True

    def __init__(self, port: int) -> None:
        self._queue = rq.Queue(connection=redis.Redis(port=port))
        self._finished = FinishedJobRegistry(queue=self._queue)
        self._submitted = 0

    def submit(self, count: int) -> list[Job]:
        self._submitted += count
        return [self._queue.enqueue(noop, PAYLOAD, result_ttl=TTL) for _ in range(count)]

    def submit_many(self, count: int) -> list[Job]:
        self._submitted += count
        job = rq.Queue.prepare_data(noop, args=(PAYLOAD,), result_ttl=TTL)
        return [done for size in batches(count) for done in self._queue.enqueue_many([job] * size)]

    def await_all(self, submitted: list[Job]) -> None:
        if len(submitted) == 1:
            assert submitted[0].latest_result(timeout=int(PATIENCE)) is not None, "it has ended"
            self._finished.get_job_count(cleanup=False)
            return
        until = time.monotonic() + PATIENCE
        while self._finished.get_job_count(cleanup=False) < self._submitted:
            assert time.monotonic() < until, "they end"
            time.sleep(0.002)


class RQ(PeerOnRedis):
    name = "RQ"
    client_is = "one enqueue at a time; many: enqueue_many of 100"
    worker_is = "SimpleWorker, which does not fork"
    known = "alone: its result; else the server's count of finished jobs"
    packages = ("rq", "redis")

    def worker_command(self) -> list[str]:
        simple = ["--worker-class", "rq.worker.SimpleWorker", "--quiet", "--results-ttl", str(TTL)]
        return python("-m", "rq.cli", "worker", "--url", URL.replace(":0/", f":{self.port}/"), *simple)

    def client(self) -> Client:
        return RQClient(self.port)
