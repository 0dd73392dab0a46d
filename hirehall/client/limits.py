"""How long results are waited for, at the cost of few timers: one for each number of seconds in use, not one a job."""

from __future__ import annotations

import asyncio

Waiter = asyncio.Future[None]


class Line:
    """Who waits equally long, and until when: the first to come is the first whose time is up."""

    __slots__ = ("timer", "until")

    def __init__(self, timer: asyncio.TimerHandle) -> None:
        self.until: dict[Waiter, float] = {}
        self.timer = timer


class Limits:
    """Wakes those whose time is up."""

    def __init__(self) -> None:
        self._lines: dict[float, Line] = {}

    def __len__(self) -> int:
        return sum(len(line.until) for line in self._lines.values())

    def add(self, waiter: Waiter, seconds: float) -> None:
        """Wake `waiter` after `seconds`, unless it leaves before."""
        loop = waiter.get_loop()
        until = loop.time() + seconds
        line = self._lines.get(seconds)
        if line is None:
            line = self._lines[seconds] = Line(loop.call_at(until, self._is_up, seconds))
        line.until[waiter] = until

    def leave(self, waiter: Waiter, seconds: float) -> None:
        """It waits no more."""
        line = self._lines[seconds]
        del line.until[waiter]
        if not line.until:
            line.timer.cancel()
            del self._lines[seconds]

    def _is_up(self, seconds: float) -> None:
        """The timer runs to the end of who was first when it was set, who may have left since."""
        line = self._lines[seconds]
        loop = asyncio.get_running_loop()
        now = loop.time()
        for waiter, until in line.until.items():
            if until > now:
                line.timer = loop.call_at(until, self._is_up, seconds)
                return
            wake(waiter)
        # They leave by themselves as soon as they run, and the last one takes the line along; whoever joins it until
        # then is looked at a moment later.
        line.timer = loop.call_later(seconds, self._is_up, seconds)


def wake(waiter: Waiter) -> None:
    """Let it go on, if it has not been woken or given up."""
    if not waiter.done():
        waiter.set_result(None)
