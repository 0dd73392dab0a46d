"""Virtual time: loops that run on a seeded world's clock instead of the machine's.

One heap orders everything that will happen. Every incarnation of a hall has a loop of its own, so that it can be killed
(nothing of it ever runs again) or frozen (nothing of it runs for a while) between any two of its callbacks.
"""

from __future__ import annotations

import asyncio
import heapq
import inspect
import itertools
from collections.abc import Callable, Coroutine
from typing import Any


class Killed(BaseException):
    """Unwinds the hall's stack at the place where it was killed; nothing may catch it."""


class Timeline:
    """The one order of events. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.steps = 0
        self._heap: list[tuple[float, int, SimLoop, asyncio.Handle]] = []
        self._turns = itertools.count()

    def push(self, when: float, loop: SimLoop, handle: asyncio.Handle) -> None:
        """`handle` runs on `loop` at `when`, after everything pushed for that time before it; never on a dead loop."""
        if not loop.dead:
            # In one step: what the garbage collector ends may push in the middle of this line.
            heapq.heappush(self._heap, (max(when, self.now), next(self._turns), loop, handle))

    def step(self) -> bool:
        """Run the next event. False when there is none."""
        while self._heap:
            when, _, loop, handle = heapq.heappop(self._heap)
            if loop.dead or handle.cancelled():
                continue
            if when < loop.frozen_until:
                self.push(loop.frozen_until, loop, handle)
                continue
            self.now = when
            self.steps += 1
            loop.run_handle(handle)
            return True
        return False


class SimLoop(asyncio.AbstractEventLoop):
    """As much of an event loop as tasks, futures and our service need."""

    def __init__(self, timeline: Timeline) -> None:
        self.timeline = timeline
        self.dead = False
        self.moved = False  # something of it has run since somebody last looked
        self.frozen_until = 0.0
        self.errors: list[dict[str, Any]] = []
        self._tasks: list[asyncio.Task[Any]] = []

    def kill(self) -> None:
        """Nothing of this loop runs again."""
        self.dead = True
        for task in self._tasks:
            coroutine = task.get_coro()
            if inspect.iscoroutine(coroutine) and inspect.getcoroutinestate(coroutine) == inspect.CORO_CREATED:
                coroutine.close()

    def run_handle(self, handle: asyncio.Handle) -> None:
        """Run one callback as if this loop were running."""
        self.moved = True
        asyncio._set_running_loop(self)
        try:
            handle._run()
        finally:
            asyncio._set_running_loop(None)

    def within(self, function: Callable[[], Any]) -> None:
        """Call `function` as code of this loop, now."""
        self.run_handle(asyncio.Handle(function, (), self))

    def time(self) -> float:
        return self.timeline.now

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Any = None) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, self, context)
        self.timeline.push(self.timeline.now, self, handle)
        return handle

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        self.timeline.push(when, self, handle)
        return handle

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Any = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.timeline.now + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, Any], *, name: str | None = None, context: Any = None
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name)
        self._tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return True

    def is_closed(self) -> bool:
        return False

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        pass

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self.dead and not isinstance(context.get("exception"), Killed):
            self.errors.append(context)
