"""The loads of the official client in this process and the official worker in another: what users get. Single submits
are many under way at once, each followed until its result is here; bulk submits say BATCH jobs in a message."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

from hirehall.bench.gauge import Gauge, Row
from hirehall.bench.halls import RunningHall
from hirehall.bench.peers import PATIENCE, PAYLOAD, Load, Patience, Progress, nobody
from hirehall.client.async_client import AsyncHall, AsyncJob
from hirehall.client.sync_client import Hall
from hirehall.processes import Member

CONCURRENCY = 1000
TASKS = "hirehall.bench.worker"
RECONNECT_SECONDS = 1.0  # a hall that is measured does not come back


def control(hall: RunningHall) -> Hall:
    """A connection beside the loads: to ask and to order, never to measure."""
    return Hall(hall.url, hall.token, name="bench control", ca=hall.ca, reconnect_seconds=RECONNECT_SECONDS)


class Team:
    """The worker, and a connection beside the loads that tells it to pause and to go on."""

    def __init__(self, member: Member, asking: Hall, name: str) -> None:
        self.pid = member.pid
        self.check = member.check
        self._asking = asking
        self._name = name

    def pause(self) -> None:
        """It gets no jobs."""
        self._asking.worker(self._name, "pause")

    def resume(self) -> None:
        """It gets jobs again."""
        self._asking.worker(self._name, "resume")


@contextmanager
def official_worker(hall: RunningHall, queues: Sequence[str]) -> Iterator[Team]:
    """`hirehall work` on these queues, until the end of the block."""
    name = f"bench-{secrets.token_hex(4)}"
    told = {"HIREHALL_URL": hall.url, "HIREHALL_TOKEN": hall.token or "", "HIREHALL_CA": hall.ca or ""}
    served = [word for queue in queues for word in ("--queue", queue)]
    tied = ("hirehall.bench.tied", str(hall.folder), "hirehall")
    arguments = (*tied, "work", TASKS, *served, "--concurrency", str(CONCURRENCY), "--name", name)
    log = hall.folder / "official-worker.log"
    told = {name: value for name, value in told.items() if value}
    member = Member("official worker", *arguments, log=log, told=told)
    try:
        member.ready()
        with control(hall) as asking:
            yield Team(member, asking, name)
    finally:
        member.end()


class Official:
    """The client; `gauge` looks at it, at the hall and at the worker meanwhile."""

    def __init__(self, hall: AsyncHall, gauge: Gauge, team: Team) -> None:
        self.team = team
        self._hall = hall
        self._gauge = gauge

    async def end_to_end(self, what: str, load: Load, progress: Progress = nobody) -> Row:
        """From submit to result."""
        with self._gauge.measured(what) as row:
            row.jobs = len(await self._hand_in(load, follow_each, progress))
        return row

    async def enqueue(self, what: str, load: Load, progress: Progress = nobody) -> tuple[Row, list[AsyncJob]]:
        """Submit until every submit is answered. The handles are for `drain`."""
        with self._gauge.measured(what) as row:
            jobs = await self._hand_in(load, leave, progress)
            row.jobs = len(jobs)
        return row, jobs

    async def drain(self, what: str, jobs: Sequence[AsyncJob], progress: Progress = nobody) -> Row:
        """Let the worker go on, and wait for the result of each."""
        count = Count(progress)
        with self._gauge.measured(what) as row:
            self.team.resume()
            await self._patiently(follow_each(jobs, count), count)
            row.jobs = count.jobs
        return row

    async def closed_loop(self, what: str, load: Load, progress: Progress = nobody) -> tuple[Row, list[float]]:
        """One job at a time, from submit to result, and the milliseconds of each."""
        took = list[float]()
        until = time.monotonic() + load.seconds
        with self._gauge.measured(what) as row:
            while len(took) < load.count and time.monotonic() < until:
                began = time.perf_counter()
                job = await self._hall.submit("noop", PAYLOAD, queue=load.queue, follow=True, **load.more)
                await job.result(PATIENCE)
                took.append((time.perf_counter() - began) * 1000)
                progress(len(took))
            row.jobs = len(took)
        return row, took

    async def _hand_in(self, load: Load, then: Then, progress: Progress) -> list[AsyncJob]:
        """Keep the window full: so many coroutines, each one message after the other."""
        jobs, count = list[AsyncJob](), Count(progress)
        messages = iter(range(load.count // load.batch))
        until = time.monotonic() + load.seconds

        async def one_after_another() -> None:
            for _ in messages:
                if time.monotonic() > until:
                    return
                handles = await self._message(load)
                await then(handles, count)
                jobs.extend(handles)

        everyone = asyncio.gather(*(one_after_another() for _ in range(load.window // load.batch)))
        await self._patiently(everyone, count)
        return jobs

    async def _patiently(self, work: Coroutine[Any, Any, None] | asyncio.Future[Any], count: Count) -> None:
        """Do it. Raises Unavailable when the count has not grown for too long, or the worker is gone: a timer for each
        job would cost more than all else."""
        task, patience = asyncio.ensure_future(work), Patience()
        try:
            while not (await asyncio.wait({task}, timeout=1.0))[0]:
                self.team.check()
                patience.check(count.jobs)
            task.result()
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)  # what nobody awaits is said on stderr

    async def _message(self, load: Load) -> list[AsyncJob]:
        if load.batch == 1:
            return [await self._hall.submit("noop", PAYLOAD, queue=load.queue, follow=True, **load.more)]
        entries = [{"kind": "noop", "payload": PAYLOAD}] * load.batch
        return await self._hall.submit_many(entries, queue=load.queue, follow=True, **load.more)


class Count:
    """How many jobs are through, told on."""

    def __init__(self, progress: Progress) -> None:
        self.jobs = 0
        self._progress = progress

    def one_more(self) -> None:
        """Another one."""
        self.jobs += 1
        self._progress(self.jobs)


Then = Callable[[Sequence[AsyncJob], Count], Coroutine[Any, Any, None]]


async def follow_each(jobs: Sequence[AsyncJob], count: Count) -> None:
    """Wait for the result of each."""
    for job in jobs:
        await job.result()
        count.one_more()


async def leave(jobs: Sequence[AsyncJob], count: Count) -> None:
    """The submits are answered: that was all."""
    for _ in jobs:
        count.one_more()


@asynccontextmanager
async def official_load(hall: RunningHall, team: Team) -> AsyncIterator[Official]:
    """A client of that hall."""
    client = AsyncHall(hall.url, hall.token, name="bench", ca=hall.ca, reconnect_seconds=RECONNECT_SECONDS)
    async with client:
        yield Official(client, Gauge(hall.pid, team.pid), team)
