"""An agent as a process: its loop, and what signals mean to it."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
from collections.abc import Awaitable, Callable

from hirehall import loops
from hirehall.worker.agent import Agent

log = logging.getLogger("hirehall.worker")

LEAVE = (signal.SIGTERM, signal.SIGINT)

Beside = Callable[[Agent], Awaitable[None]]


def work(agent: Agent, *beside: Beside) -> bool:
    """Run `agent` until it leaves; whether a signal told it to. The first SIGTERM or SIGINT drains it, the second
    stops it at once. What runs `beside` it on its loop ends with it.

    On asyncio's own loop where processes are started: uvloop takes two to three times as long for that, and the pidfd
    watcher needs it.
    """
    gc.collect()
    gc.freeze()  # what is loaded stays: no collection need look at it again
    new_loop = asyncio.new_event_loop if agent.starts_processes else loops.fastest()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        return runner.run(_work(agent, beside))


async def _work(agent: Agent, beside: tuple[Beside, ...]) -> bool:
    leaver = Leaver(agent)
    restore = heed(asyncio.get_running_loop(), leaver.told)
    helpers = [asyncio.ensure_future(helper(agent)) for helper in beside]
    try:
        await agent.run()
    finally:
        for helper in helpers:
            helper.cancel()
        restore()
    return leaver.was_told


class Leaver:
    """Counts the times that the process was told to leave."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._told = 0

    @property
    def was_told(self) -> bool:
        """Whether it was told at all."""
        return self._told > 0

    def told(self) -> None:
        """Once: drain. Again: at once."""
        self._told += 1
        if self._told == 1:
            self._agent.drain()
            if not self._agent.is_idle:
                log.info("Ctrl-C again stops at once")
        else:
            if self._told == 2:
                log.info("stopping at once: what runs is given back")
            self._agent.quit()


def heed(loop: asyncio.AbstractEventLoop, told: Callable[[], None]) -> Callable[[], None]:
    """Call `told` on the loop for every signal to leave; the answer takes that back."""
    try:
        for number in LEAVE:
            loop.add_signal_handler(number, told)
    except NotImplementedError:
        return _heed_on_windows(loop, told)

    def restore() -> None:
        for number in LEAVE:
            loop.remove_signal_handler(number)

    return restore


def _heed_on_windows(loop: asyncio.AbstractEventLoop, told: Callable[[], None]) -> Callable[[], None]:
    before = {number: signal.signal(number, lambda *_: loop.call_soon_threadsafe(told)) for number in LEAVE}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    return restore
