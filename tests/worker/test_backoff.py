"""How fast an agent comes back to a hall that greets it and closes."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest

from hirehall.client import link
from hirehall.worker.agent import Agent
from tests.worker.stage import FakeClock, FakeRunner, Stage, played

REAL_SLEEP = asyncio.sleep


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """What the link waits for, which takes no time here."""
    seen: list[float] = []

    async def sleep(seconds: float, *_: Any) -> None:
        seen.append(seconds)
        await REAL_SLEEP(0)

    monkeypatch.setattr(link.asyncio, "sleep", sleep)
    return seen


async def greet_and_close(it: Stage, times: int) -> None:
    setattr(it.agent._link, "_delays", link.full_jitter(lambda: 1.0))  # noqa: B010 - no chance here
    for _ in range(times):
        it.peer.cut()
        it.peer = await it.hall.peer()
        await it.peer.greet()
        it.peer.ok(await it.peer.expect("keep"), kept=[], lost=[])


def test_a_hall_that_greets_and_closes_is_asked_less_and_less_often(waits: list[float]) -> None:
    @played()
    async def play(it: Stage) -> None:
        await it.hire()
        await greet_and_close(it, 5)

    play()
    assert waits == [0.1, 0.2, 0.4, 0.8, 1.6]


def test_a_worker_with_a_short_lease_is_back_before_it_can_pass(waits: list[float]) -> None:
    @played(lease_seconds=3.0)
    async def play(it: Stage) -> None:
        await it.hire()
        for _ in range(40):
            it.peer.cut()
            it.peer = await it.hall.peer()
            await it.peer.greet()
            it.peer.ok(await it.peer.expect("keep"), kept=[], lost=[])

    play()
    assert len(waits) == 40
    assert 0.2 < max(waits) <= 0.5


def test_after_a_connection_that_lasted_the_first_attempt_is_quick_again(
    waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link, "STEADY_SECONDS", 0.0)

    @played()
    async def play(it: Stage) -> None:
        await it.hire()
        await greet_and_close(it, 3)

    play()
    assert max(waits) <= 0.1


def test_a_hall_that_is_away_is_complained_about_at_growing_intervals(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """One attempt each second for 100 seconds: at 0, then after 10, 20 and 40 more."""
    clock, attempts, over = FakeClock(), itertools.count(1), asyncio.Event()

    async def sleep(_seconds: float, *_: Any) -> None:
        clock.now += 1
        if next(attempts) == 100:
            over.set()
        await REAL_SLEEP(0)

    async def play() -> None:
        agent = Agent([FakeRunner()], url="hall+unix:///nowhere/hall.sock", clock=clock)
        running = asyncio.ensure_future(agent.run())
        await over.wait()
        running.cancel()
        await asyncio.wait([running])

    monkeypatch.setattr(link.asyncio, "sleep", sleep)
    asyncio.run(play())
    assert [record.getMessage().endswith("; trying again") for record in caplog.records] == [True] * 4
