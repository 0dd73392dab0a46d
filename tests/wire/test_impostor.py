"""Our clients and our agent before something that is no hall: a clear error, or another try; never a foreign one."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hirehall.client.async_client import AsyncHall
from hirehall.client.sync_client import Hall
from hirehall.errors import HallError
from hirehall.worker.agent import Agent
from tests.wire.impostor import Impostor
from tests.worker.stage import FakeRunner

SEEDS = range(20)
PATIENCE_SECONDS = 60.0  # none of this may take that long, however busy the machine is
EXPECTED = (HallError, TimeoutError)


@contextmanager
def impostor(seed: int) -> Iterator[Impostor]:
    there = Impostor(seed)
    try:
        yield there
    finally:
        there.close()


def in_time(work: Callable[[], None]) -> None:
    """Carry it out in a thread, which must end."""
    errors: list[BaseException] = []

    def carry_out() -> None:
        try:
            work()
        except EXPECTED:
            pass
        except BaseException as exc:
            errors.append(exc)

    thread = threading.Thread(target=carry_out, daemon=True)
    thread.start()
    thread.join(PATIENCE_SECONDS)
    assert not thread.is_alive(), "it hangs"
    assert errors == []


def tried(calls: list[Callable[[], Any]]) -> None:
    for call in calls:
        try:
            call()
        except EXPECTED:
            continue


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_blocking_client_ends_every_call(seed: int) -> None:
    def work(url: str) -> None:
        with Hall(url, "t", reconnect_seconds=0.1) as hall:
            job = hall.job("0cee7dbba8007000")
            tried([
                lambda: hall.submit("k", [1], follow=True).result(0.2),
                lambda: hall.get([job.id]),
                lambda: hall.submit_many([{"kind": "k"}]),
                lambda: job.result(0.2),
                hall.queues,
                lambda: next(iter(hall.watch())) if seed % 4 == 0 else hall.counts(),
                lambda: hall.submit("k", 1, key="again"),
            ])  # fmt: skip

    with impostor(seed) as there:
        in_time(lambda: work(there.url))


async def asked(url: str, strange: list[dict[str, Any]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: strange.append(context))
    async with AsyncHall(url, "t", reconnect_seconds=0.1) as hall:
        calls = [hall.submit("k", [1], follow=True), hall.get(["a"]), hall.counts(), hall.kinds(), hall.workers()]
        async with asyncio.timeout(PATIENCE_SECONDS):
            ends = await asyncio.gather(*calls, return_exceptions=True)
            ends += await asyncio.gather(hall.job("0cee7dbba8007000").result(0.2), return_exceptions=True)
    strange += [{"end": end} for end in ends if isinstance(end, BaseException) and not isinstance(end, EXPECTED)]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_asyncio_client_ends_every_call(seed: int) -> None:
    strange: list[dict[str, Any]] = []
    with impostor(seed) as there:
        in_time(lambda: asyncio.run(asked(there.url, strange)))
    assert strange == []


async def worked(there: Impostor, strange: list[dict[str, Any]]) -> None:
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: strange.append(context))
    agent = Agent([FakeRunner()], url=there.url, token="t", name="w")
    running = asyncio.ensure_future(agent.run())
    async with asyncio.timeout(PATIENCE_SECONDS):
        while there.connections < 3 and not running.done():
            await asyncio.wait([running], timeout=0.01)  # it comes back, as often as it is sent away
        agent.quit()
        (end,) = await asyncio.gather(running, return_exceptions=True)
    if end is not None and not isinstance(end, EXPECTED):
        strange.append({"end": end})


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_the_agent_comes_back_or_says_why_it_cannot_and_can_be_told_to_leave(seed: int) -> None:
    strange: list[dict[str, Any]] = []
    with impostor(seed) as there:
        in_time(lambda: asyncio.run(worked(there, strange)))
    assert strange == []
