"""Procrastinate with its asyncio client and worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import procrastinate

from benchmarks.contestant import python
from benchmarks.peers.bell import Bell, ring
from benchmarks.peers.on_postgres import PeerOnPostgres, address
from benchmarks.peers.peer import PATIENCE, PAYLOAD, Client, Concurrent

AT_ONCE = 10
LEFT = "select count(*) as jobs from procrastinate_jobs where status in ('todo', 'doing')"

app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(conninfo=address(), min_size=AT_ONCE, max_size=AT_ONCE)
)
CLI = python("-m", "procrastinate", "--app", "benchmarks.peers.procrastinate_peer.app")


@app.task(name="noop")
async def noop(payload: Any) -> None:
    """The job."""
    ring()


class ProcrastinateClient(Concurrent):
    can_many = True
    under_way = AT_ONCE

    def __init__(self, bell: Bell) -> None:
        super().__init__()
        self._bell = bell
        self.loop.run_until_complete(app.open_async())

    async def submit_one(self) -> int:
        job: int = await noop.defer_async(payload=PAYLOAD)
        return job

    async def submit_batch(self, count: int) -> Sequence[int]:
        jobs: Sequence[int] = await noop.batch_defer_async(*[{"payload": PAYLOAD}] * count)
        return jobs

    async def ends(self, submitted: Sequence[int]) -> None:
        self._bell.hear(len(submitted))
        until = self.loop.time() + PATIENCE
        while len(submitted) > 1 and (await app.connector.execute_query_one_async(LEFT))["jobs"]:
            assert self.loop.time() < until, "they end"
            await asyncio.sleep(0.005)

    def close(self) -> None:
        self.loop.run_until_complete(app.close_async())


class Procrastinate(PeerOnPostgres):
    name = "Procrastinate"
    client_is = f"asyncio, {AT_ONCE} connections; many: 100 a call"
    worker_is = f"{AT_ONCE} jobs at once"
    packages = ("procrastinate", "psycopg")

    def prepare(self) -> None:
        self.run_to_end([*CLI, "schema", "--apply"])

    def worker_command(self) -> list[str]:
        return [*CLI, "worker", "--concurrency", str(AT_ONCE), "--fetch-job-polling-interval", "0.2"]

    def client(self) -> Client:
        return ProcrastinateClient(Bell(self.folder))
