"""Those who wait for results, and those whose time is up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hirehall.client.limits import Limits, Waiter, wake


async def waited(limits: Limits, waiter: Waiter, seconds: float) -> bool:
    """Whether it was the time that ended it."""
    limits.add(waiter, seconds)
    try:
        await asyncio.wait_for(waiter, 20)
    finally:
        limits.leave(waiter, seconds)
    return True


def futures(count: int) -> list[Waiter]:
    return [asyncio.get_running_loop().create_future() for _ in range(count)]


def played(play: Any) -> Any:
    return lambda: asyncio.run(play())


@played
async def test_everybody_is_woken_when_the_time_is_up() -> None:
    limits = Limits()
    assert all(await asyncio.gather(*(waited(limits, waiter, 0.01) for waiter in futures(3))))
    assert len(limits) == 0


@played
async def test_who_comes_later_is_woken_later() -> None:
    limits, loop = Limits(), asyncio.get_running_loop()
    first, second = futures(2)
    one = asyncio.ensure_future(waited(limits, first, 0.05))
    await asyncio.wait({one}, timeout=0.02)
    began = loop.time()
    assert await waited(limits, second, 0.05)
    assert loop.time() - began >= 0.045
    assert await one


@played
async def test_the_line_goes_on_when_its_first_has_left() -> None:
    limits = Limits()
    first, second = futures(2)
    one = asyncio.ensure_future(waited(limits, first, 0.05))
    other = asyncio.ensure_future(waited(limits, second, 0.05))
    await asyncio.sleep(0)
    wake(first)
    await one
    assert len(limits) == 1
    assert await other
    assert len(limits) == 0


@played
async def test_who_has_left_leaves_no_timer_behind() -> None:
    limits, loop = Limits(), asyncio.get_running_loop()
    (waiter,) = futures(1)
    limits.add(waiter, 3600)
    timer = limits._lines[3600].timer
    limits.leave(waiter, 3600)
    assert timer.cancelled()
    assert len(limits) == 0
    assert not waiter.done()
    assert loop.time() < timer.when()


@pytest.mark.parametrize("seconds", [0.0, -1.0])
def test_a_time_that_has_passed_wakes_at_once(seconds: float) -> None:
    async def main() -> bool:
        return await waited(Limits(), futures(1)[0], seconds)

    assert asyncio.run(main())
