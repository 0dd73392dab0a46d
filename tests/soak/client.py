"""A client that lives long: for every line on stdin it does the same work once more.

    python -m tests.soak.client JOBS

JOBS in all, most of them in bulk; beside them connections that come and go, watchers, followed logs, searches, cancels,
queue settings, tokens, keys, `after` and `lock`. At the end of a round every job is removed, nothing is followed and
nobody is connected but this client; then it says `done`.
"""

from __future__ import annotations

import asyncio
import gc
import sys
from typing import Any

import hirehall
from hirehall import AsyncHall

BULK = 200
CHURN = 100  # connections a round
WATCHERS = 5


async def main() -> None:
    jobs = int(sys.argv[1])
    loop = asyncio.get_running_loop()
    async with hirehall.connect_async(name="soak") as hall:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            await play(hall, jobs, line.strip())
            gc.collect()
            print("done", flush=True)


async def play(hall: AsyncHall, jobs: int, name: str) -> None:
    """One round."""
    feeds = [hall.watch(queues=["soak"])]
    feeds += [(await hirehall.connect_async()).watch(queues=["soak"]) for _ in range(WATCHERS - 1)]
    watching = [asyncio.ensure_future(hear(feed)) for feed in feeds]
    await asyncio.gather(in_bulk(hall, jobs - 500), one_by_one(hall, name), gated(hall), churn(), people(hall, name))
    for feed, watch in zip(feeds, watching, strict=True):
        await watch_no_more(hall, feed, watch)
    for state in ("succeeded", "failed", "cancelled"):
        await (await hall.remove_where(queue="soak", state=state)).wait()


async def hear(feed: Any) -> None:
    async for _event in feed:
        pass


async def watch_no_more(hall: AsyncHall, feed: Any, watch: asyncio.Future[None]) -> None:
    feed.close()
    watch.cancel()
    await asyncio.wait({watch})
    if feed._hall is not hall:
        await feed._hall.close()


async def in_bulk(hall: AsyncHall, count: int) -> None:
    """Most of the jobs, two bulks at a time."""
    for _ in range(0, count, BULK):
        payloads = [{"payload": {"number": number, "text": "x" * 50}} for number in range(BULK)]
        submitted = await hall.submit_many(payloads, kind="echo", queue="soak", follow=True)
        await asyncio.gather(*(job.result() for job in submitted))


async def one_by_one(hall: AsyncHall, name: str) -> None:
    """With keys, each said twice; with logs that somebody follows; some that fail once, some that are cancelled."""
    for number in range(100):
        job, again = await asyncio.gather(
            *(hall.submit("echo", number, queue="soak", key=f"{name}-{number}") for _ in range(2))
        )
        assert job.id == again.id
        await job.result()
    for number in range(50):
        job = await hall.submit("talk", number, queue="soak")
        async with hall.follow_log(job.id) as log:
            async for _part in log:
                pass
        await job.result()
    stumbling = [await hall.submit("stumble", 1, queue="soak") for _ in range(50)]
    await asyncio.gather(*(job.result() for job in stumbling))
    later = [await hall.submit("echo", 1, queue="soak", delay_seconds=3600) for _ in range(100)]
    await hall.cancel_each([job.id for job in later])


async def gated(hall: AsyncHall) -> None:
    first = await hall.submit("echo", 0, queue="soak")
    held = [await hall.submit("echo", n, queue="soak", lock="one", after=[first.id]) for n in range(100)]
    await asyncio.gather(*(job.result() for job in held))


async def churn() -> None:
    """Half of them say goodbye."""
    for number in range(CHURN):
        guest = await hirehall.connect_async(name=f"guest-{number}")
        await guest.counts()
        if number % 2:
            guest._connected().drop()
        await guest.close()


async def people(hall: AsyncHall, name: str) -> None:
    """Who looks and who changes things."""
    for number in range(20):
        page = await hall.find(queue="soak", limit=50)
        for job in page.jobs[:2]:
            await hall.explain(job.id)
        await hall.queue("other", max_running=number + 1, lock_limit=2)
        await hall.pause("other")
        await hall.resume("other")
        await asyncio.gather(hall.counts(), hall.queues(), hall.workers(), hall.kinds(), hall.metrics())
        await hall.request({"cmd": "token", "do": "create", "name": f"t{number}", "roles": ["read"]})
        await hall.request({"cmd": "token", "do": "revoke", "name": f"t{number}"})


if __name__ == "__main__":
    asyncio.run(main())
