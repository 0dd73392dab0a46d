"""pgqueuer on asyncpg, with its asyncio client and worker."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

from benchmarks.peers.bell import Bell, ring
from benchmarks.peers.on_postgres import PeerOnPostgres, address
from benchmarks.peers.peer import BODY, PATIENCE, Client, Concurrent, module

AT_ONCE = 10
FETCHED = 100
LEFT = "select exists (select 1 from pgqueuer)"


class PgqueuerClient(Concurrent):
    can_many = True
    under_way = AT_ONCE

    def __init__(self, bell: Bell) -> None:
        super().__init__()
        self._bell = bell
        self._pool = self.loop.run_until_complete(asyncpg.create_pool(address(), min_size=AT_ONCE, max_size=AT_ONCE))
        self._queries = Queries(AsyncpgPoolDriver(self._pool))

    async def submit_one(self) -> object:
        return (await self._queries.enqueue("noop", BODY))[0]

    async def submit_batch(self, count: int) -> Sequence[object]:
        jobs: Sequence[object] = await self._queries.enqueue(["noop"] * count, [BODY] * count, [0] * count)
        return jobs

    async def ends(self, submitted: Sequence[object]) -> None:
        self._bell.hear(len(submitted))
        until = self.loop.time() + PATIENCE
        while len(submitted) > 1 and await self._pool.fetchval(LEFT):
            assert self.loop.time() < until, "they end"
            await asyncio.sleep(0.005)

    def close(self) -> None:
        self.loop.run_until_complete(self._pool.close())


class Pgqueuer(PeerOnPostgres):
    name = "pgqueuer"
    client_is = f"asyncio, {AT_ONCE} connections; many: 100 a call"
    worker_is = f"fetches {FETCHED}"
    packages = ("pgqueuer", "asyncpg")

    def prepare(self) -> None:
        self.run_to_end([*module("pgqueuer_peer"), "install"])

    def worker_command(self) -> list[str]:
        return module("pgqueuer_peer")

    def client(self) -> Client:
        return PgqueuerClient(Bell(self.folder))


async def install() -> None:
    """The tables."""
    connection = await asyncpg.connect(address())
    await Queries(AsyncpgDriver(connection)).install()
    await connection.close()


async def work() -> None:
    """The worker."""
    queuer = PgQueuer(AsyncpgDriver(await asyncpg.connect(address())))

    @queuer.entrypoint("noop")
    async def noop(job: Job) -> None:
        ring()

    await queuer.run(batch_size=FETCHED)


if __name__ == "__main__":
    uvloop.run(install() if "install" in sys.argv else work())
