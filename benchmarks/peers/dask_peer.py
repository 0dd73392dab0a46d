"""Dask distributed: a scheduler, a worker with threads, a client that holds the futures."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from distributed import Client as DaskClient
from distributed import Future, Scheduler, wait

from benchmarks.contestant import python
from benchmarks.peers.peer import PATIENCE, PAYLOAD, THREADS, Client, Peer


def noop(payload: Any) -> None:
    """The job."""


def tasks(dask_scheduler: Scheduler) -> int:
    """How many the scheduler has."""
    return len(dask_scheduler.tasks)


class FuturesClient(Client):
    """A submit is not answered: what the scheduler has is asked from time to time."""

    can_many = True

    def __init__(self, port: int) -> None:
        self._dask = DaskClient(f"tcp://127.0.0.1:{port}")
        self._held: list[Future[Any]] = []  # or the scheduler forgets them

    def submit(self, count: int) -> list[Future[Any]]:
        return self._known([self._dask.submit(noop, PAYLOAD, pure=False) for _ in range(count)])

    def submit_many(self, count: int) -> list[Future[Any]]:
        return self._known(self._dask.map(noop, [PAYLOAD] * count, pure=False))

    def await_all(self, submitted: list[Future[Any]]) -> None:
        wait(submitted, timeout=PATIENCE)
        assert all(future.status == "finished" for future in submitted), "they end well"

    def _known(self, futures: list[Future[Any]]) -> list[Future[Any]]:
        self._held += futures
        if len(futures) > 1:
            until = time.monotonic() + PATIENCE
            while self._dask.run_on_scheduler(tasks) < len(self._held):
                assert time.monotonic() < until, "they arrive"
                time.sleep(0.002)
        return futures

    def close(self) -> None:
        self._dask.close()


class Dask(Peer):
    name, setting = "Dask distributed", "memory, as it comes"
    lost = "everything"
    client_is = "submit; many: map"
    worker_is = f"{THREADS} threads, worker-saturation inf"
    known = "the job's future"
    packages = ("distributed",)

    def extra(self) -> Mapping[str, str]:
        return {
            **super().extra(),
            "DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "inf",
            "DASK_LOGGING__DISTRIBUTED": "error",
        }

    def server_command(self) -> list[str]:
        own = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard", "--no-show"]
        return python("-m", "distributed.cli.dask_scheduler", *own)

    def worker_command(self) -> list[str]:
        own = ["--nworkers", "1", "--nthreads", str(THREADS), "--no-nanny", "--no-dashboard", "--local-directory", "."]
        return python("-m", "distributed.cli.dask_worker", f"tcp://127.0.0.1:{self.port}", *own)

    def client(self) -> Client:
        return FuturesClient(self.port)
