"""Coroutines of a bench, run to their end or to Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from types import FrameType

from hirehall.loops import fastest


def run(work: Coroutine[None, None, None]) -> None:
    """Run `work` on the loop that the official worker has, too. A SIGINT, SIGTERM or SIGHUP cancels it, and then does
    what it did before: raised at once it would come up in any task, to be reported as that task's mistake."""
    with asyncio.Runner(loop_factory=fastest()) as runner:
        runner.run(_heedful(work))


async def _heedful(work: Coroutine[None, None, None]) -> None:
    loop, task = asyncio.get_running_loop(), asyncio.ensure_future(work)
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    heard = list[int]()

    def cancel(number: int, _frame: FrameType | None) -> None:
        restore()  # a second one does not wait
        heard.append(number)
        loop.call_soon_threadsafe(task.cancel)

    before = {number: signal.signal(number, cancel) for number in numbers}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    try:
        await asyncio.wait({task})
    finally:
        restore()
    if heard and task.cancelled():
        signal.raise_signal(heard[0])
    task.result()
