"""The load of a soak: a steady stream of jobs, five watchers, and connections that come and go.

    python -m tests.soak.load QUEUE

It says on stdout what it carries: a quarter of what it has measured in its first seconds.
"""

from __future__ import annotations

import asyncio
import sys
import time
from contextlib import suppress

import hirehall
from hirehall import AsyncHall, HallError

CALIBRATION_SECONDS = 5.0
PART = 0.25  # of the peak
BULK = 100
AT_ONCE = 4  # bulks under way while the peak is measured
WATCHERS = 5
CHURN_SECONDS = 0.05  # between two new connections
STEP_SECONDS = 0.1
BREATH_SECONDS = 1.0  # after an error: the hall is being started again


async def main() -> None:
    queue = sys.argv[1]
    async with hirehall.connect_async(name="load") as hall:
        rate = PART * await peak(hall, queue)
        print(f"rate {rate:.0f}", flush=True)
        watchers = [watch(queue) for _ in range(WATCHERS)]
        await asyncio.gather(stream(hall, queue, rate), churn(), *watchers)


async def peak(hall: AsyncHall, queue: str) -> float:
    """Jobs a second, from submit to result."""
    began, done = time.monotonic(), 0

    async def submit() -> None:
        nonlocal done
        while time.monotonic() - began < CALIBRATION_SECONDS:
            await bulk(hall, queue, "echo", BULK)
            done += BULK

    await asyncio.gather(*(submit() for _ in range(AT_ONCE)))
    return done / (time.monotonic() - began)


async def bulk(hall: AsyncHall, queue: str, kind: str, count: int) -> None:
    payloads = [{"payload": {"number": number, "text": "x" * 100}} for number in range(count)]
    jobs = await hall.submit_many(payloads, kind=kind, queue=queue, follow=True)
    await asyncio.gather(*(job.result() for job in jobs))


async def stream(hall: AsyncHall, queue: str, rate: float) -> None:
    """`rate` jobs a second, nine of ten in bulk; a twentieth talks, a twentieth fails the first time."""
    under_way: set[asyncio.Future[None]] = set()
    while True:
        for kind, part in (("echo", 0.9), ("talk", 0.05), ("stumble", 0.05)):
            count = round(rate * STEP_SECONDS * part)
            if count and len(under_way) < 100:
                under_way.add(asyncio.ensure_future(forgiving(bulk(hall, queue, kind, count))))
        await asyncio.sleep(STEP_SECONDS)
        under_way = {sent for sent in under_way if not sent.done()}


async def forgiving(work: object) -> None:
    """A hall that is killed takes what was asked of it along: unknown, and said so."""
    try:
        await work  # type: ignore[misc]
    except HallError:
        await asyncio.sleep(BREATH_SECONDS)


async def watch(queue: str) -> None:
    """One dashboard."""
    while True:
        with suppress(HallError):
            async with hirehall.connect_async(name="watcher") as hall, hall.watch(queues=[queue]) as feed:
                async for _event in feed:
                    pass
        await asyncio.sleep(BREATH_SECONDS)


async def churn() -> None:
    """Twenty connections a second; every other one goes without a word."""
    number = 0
    while True:
        number += 1
        with suppress(HallError):
            guest = await hirehall.connect_async(name="passer-by", reconnect_seconds=0)
            await guest.counts()
            if number % 2:
                guest._connected().drop()
            await guest.close()
        await asyncio.sleep(CHURN_SECONDS)


if __name__ == "__main__":
    asyncio.run(main())
