"""An agent as a process: its loop, and what signals mean to it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable

from hirehall.worker.agent import Agent

LEAVE = (signal.SIGTERM, signal.SIGINT)


def work(agent: Agent) -> None:
    """Run `agent` until it is told to leave. The first SIGTERM or SIGINT drains it, the second stops it at
    once.

    On asyncio's own loop: the pidfd watcher for scripts needs it, and Windows has no other.
    """
    asyncio.run(_work(agent))


async def _work(agent: Agent) -> None:
    restore = heed(asyncio.get_running_loop(), Leaver(agent).told)
    try:
        await agent.run()
    finally:
        restore()


class Leaver:
    """Counts the times that the process was told to leave."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._told = 0

    def told(self) -> None:
        """Once: drain. Again: at once."""
        self._told += 1
        if self._told == 1:
            self._agent.drain()
        else:
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
