"""Hirehall as it comes, with its own client and worker."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import hirehall
from benchmarks.contestant import python
from benchmarks.peers.peer import PATIENCE, PAYLOAD, Client, Concurrent, Peer
from benchmarks.servers import OnHall


@hirehall.job
def noop(payload: Any) -> None:
    """The job."""


class HallClient(Concurrent):
    """The asyncio client."""

    can_many = True
    under_way = 1000

    def __init__(self, url: str, token: str) -> None:
        super().__init__()
        self._hall = hirehall.connect_async(url, token=token)
        self.loop.run_until_complete(self._hall.open())

    async def submit_one(self) -> hirehall.AsyncJob:
        return await self._hall.submit("noop", PAYLOAD, follow=True)

    async def submit_batch(self, count: int) -> Sequence[hirehall.AsyncJob]:
        return await self._hall.submit_many([{"kind": "noop", "payload": PAYLOAD}] * count, follow=True)

    async def ends(self, submitted: Sequence[hirehall.AsyncJob]) -> None:
        for job in submitted:
            if not job.is_ended:
                await job.result(PATIENCE)

    def close(self) -> None:
        self.loop.run_until_complete(self._hall.close())


class Hirehall(OnHall, Peer):
    name, setting = "Hirehall", "SQLite, as it comes"
    lost = "nothing"
    is_durable = True
    client_is = "asyncio client, 1,000 submits under way; many: 100 a call"
    worker_is = "`hirehall work --concurrency 1000`"
    known = "the job's result"
    options: tuple[str, ...] = ("--concurrency", "1000")

    def worker_command(self) -> list[str]:
        return python("-m", "hirehall", "work", __file__, "--data", "data", *self.options)

    def client(self) -> Client:
        access = json.loads((self.folder / "data" / "access.json").read_text())
        return HallClient(access["url"], access["token"])


class HirehallWorkerAsItComes(Hirehall):
    variant = "worker too"
    worker_is = "`hirehall work`, as it comes: 10 jobs at once"
    options = ()
