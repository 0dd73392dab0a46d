"""What a peer is: a server, one worker process, and a client that does the same as every other peer's client."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import uvloop

from benchmarks.contestant import Contestant, python
from benchmarks.peers import slow_disk

PAYLOAD = {"file": "/srv/pictures/2026/11/a.png", "width": 640, "height": 480, "format": "webp", "quality": 8}
BODY = json.dumps(PAYLOAD).encode()
BATCH = 100  # jobs a call, where a library can hand in many
THREADS = 8  # of a client or worker whose calls wait for the disk
ONE_OR_MORE = f"one at a time, in 1 or {THREADS} threads"
PORT = int(os.environ.get("PEER_PORT", "0"))  # in processes of a peer: where its server is
FOLDER = Path(os.environ.get("PEER_FOLDER", "."))
PATIENCE = 60.0  # for one answer
SAMPLES = 200  # the least of which a p99 is made
FEWEST = SAMPLES * 10 // 9 + 1  # jobs one after the other, however long each takes: the first tenth warms up


class Client:
    """One client process. A row of the table is made of these calls only."""

    can_many = False  # whether the library hands in several jobs with one call
    widths: tuple[int, ...] = (1,)  # in how many threads it may submit: the fastest counts
    width = 1

    def submit(self, count: int) -> Any:
        """Hand in `count` jobs as fast as the library does it job by job; all are acknowledged at the end. Answers
        what `await_all` needs."""
        raise NotImplementedError

    def submit_many(self, count: int) -> Any:
        """The same with BATCH jobs a call."""
        raise NotImplementedError

    def await_all(self, submitted: Any) -> None:
        """Until the client knows that all of them are done."""
        raise NotImplementedError

    def round_trips(self, most: int, seconds: float) -> list[float]:
        """One job at a time, from submit to its end: the seconds that each took."""
        took: list[float] = []
        until = time.perf_counter() + seconds
        while ((at := time.perf_counter()) < until and len(took) < most) or len(took) < FEWEST:
            self.await_all(self.submit(1))
            took.append(time.perf_counter() - at)
        return took

    def close(self) -> None:
        """Leave."""


class Threads(Client):
    """A client whose calls wait for their answer: where that is an answer of the disk, several threads may be faster
    than one. `connect` gives each thread its own way to submit one job."""

    def __init__(self, connect: Callable[[], Callable[[], Any]], widths: tuple[int, ...]) -> None:
        self.widths = widths
        self._submits = [connect() for _ in range(max(widths))]
        self._pool = ThreadPoolExecutor(max(widths))

    def submit(self, count: int) -> list[Any]:
        shares = split(count, self.width)
        if len(shares) == 1:
            return [self._submits[0]() for _ in range(count)]
        parts = self._pool.map(lambda submit, share: [submit() for _ in range(share)], self._submits, shares)
        return [one for part in parts for one in part]

    def close(self) -> None:
        self._pool.shutdown()


class Concurrent(Client):
    """A client of an asyncio library. Many jobs are under way at once, each awaited by a line of code of its own."""

    under_way = 1

    def __init__(self) -> None:
        self.loop = uvloop.new_event_loop()
        asyncio.set_event_loop(self.loop)  # libraries look for it

    async def submit_one(self) -> Any:
        """Hand in one job."""
        raise NotImplementedError

    async def submit_batch(self, count: int) -> Sequence[Any]:
        """Hand in several with one call."""
        raise NotImplementedError

    async def ends(self, submitted: Sequence[Any]) -> None:
        """Until all of them are done."""
        raise NotImplementedError

    def submit(self, count: int) -> list[Any]:
        return self.loop.run_until_complete(self._lines(count))

    def submit_many(self, count: int) -> list[Any]:
        return self.loop.run_until_complete(self._batches(count))

    def await_all(self, submitted: Any) -> None:
        self.loop.run_until_complete(self.ends(submitted))

    def round_trips(self, most: int, seconds: float) -> list[float]:
        return self.loop.run_until_complete(self._round_trips(most, seconds))

    async def _lines(self, count: int) -> list[Any]:
        async def line(share: int) -> list[Any]:
            return [await self.submit_one() for _ in range(share)]

        return await together(line(share) for share in split(count, self.under_way))

    async def _batches(self, count: int) -> list[Any]:
        async def line(share: int) -> list[Any]:
            return [job for size in batches(share) for job in await self.submit_batch(size)]

        return await together(line(share) for share in split(count, min(self.under_way, 20)))

    async def _round_trips(self, most: int, seconds: float) -> list[float]:
        took: list[float] = []
        until = time.perf_counter() + seconds
        while ((at := time.perf_counter()) < until and len(took) < most) or len(took) < FEWEST:
            await self.ends([await self.submit_one()])
            took.append(time.perf_counter() - at)
        return took


async def together(lines: Iterable[Awaitable[list[Any]]]) -> list[Any]:
    """What all lines answer."""
    return [one for part in await asyncio.gather(*lines) for one in part]


def split(count: int, parts: int) -> list[int]:
    """`count` in at most `parts` shares of the same size, or one less."""
    parts = min(count, parts)
    return [count // parts + (part < count % parts) for part in range(parts)]


def batches(count: int) -> list[int]:
    """`count` in calls of BATCH jobs."""
    return [min(BATCH, count - begun) for begun in range(0, count, BATCH)]


class Peer(Contestant):
    """One job server in one setting."""

    variant = ""  # what sets it apart from its class with the same name and setting
    lost = ""  # what a power cut may take of the jobs that were acknowledged
    is_durable = False  # an acknowledged job is on the disk: measured with slow syncs too
    client_is = ""  # how its client works: what is under way at once
    worker_is = ""  # likewise
    known = ""  # how the client knows that a job is done
    packages: tuple[str, ...] = ()  # on PyPI, whose versions belong to the figures
    syncs_itself = False  # it has no server: client and worker write to the disk

    def __init__(self, folder: Path, port: int | None = None, slow: Path | None = None) -> None:
        self.slow = slow
        super().__init__(folder, port)
        if slow and self.syncs_itself:
            self.environment["LD_PRELOAD"] = str(slow)

    def extra(self) -> Mapping[str, str]:
        return {"PEER_FOLDER": str(self.folder)}

    def server_environment(self) -> Mapping[str, str]:
        return {**self.environment, "LD_PRELOAD": str(self.slow)} if self.slow else self.environment

    def check_slow(self) -> None:
        """Raise NotSlow when what writes to the slow disk has it not."""
        if self.slow:
            slow_disk.check((self._workers if self.syncs_itself else self._servers)[-1].pid, self.slow)

    @property
    def widths(self) -> tuple[int, ...]:
        """In how many threads a client may submit whose calls wait."""
        return (1, THREADS) if self.is_durable else (1,)

    def prepare(self) -> None:
        """What is needed between server and worker, such as tables."""

    def client(self) -> Client:
        """In the client's process."""
        raise NotImplementedError


def module(name: str) -> list[str]:
    """This Python with a module of this folder."""
    return python("-m", f"benchmarks.peers.{name}")
