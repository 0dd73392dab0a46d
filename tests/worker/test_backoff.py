"""How fast an agent comes back to a hall that greets it and closes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hirehall.client import link
from tests.worker.stage import Stage, played

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
