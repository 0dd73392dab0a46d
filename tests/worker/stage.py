"""An agent on a stage: a scripted hall, a runner that ends jobs when the test says so, a clock that the test
moves."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from typing import Any

from hirehall.runners.port import Outcome, Report, Why
from hirehall.wire.replies import Delivery
from hirehall.worker.agent import Agent
from tests.worker.scripted_hall import PATIENCE_SECONDS, Message, Peer, ScriptedHall, scripted_hall


class FakeTimer:
    def __init__(self, callback: Callable[[], object]) -> None:
        self.callback: Callable[[], object] | None = callback

    def cancel(self) -> None:
        self.callback = None


class FakeClock:
    """Time stands until `advance`."""

    def __init__(self) -> None:
        self.now = 1000.0
        self._timers: list[tuple[float, int, FakeTimer]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, callback: Callable[[], object], /) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._timers, (when, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        """Let that much time pass; what is due in it happens in order."""
        end = self.now + seconds
        while self._timers and self._timers[0][0] <= end:
            when, _, timer = heapq.heappop(self._timers)
            self.now = max(self.now, when)
            if timer.callback is not None:
                timer.callback()
        self.now = end


class FakeExecution:
    def __init__(self, job: Delivery, report: Report) -> None:
        self.job = job
        self.report = report
        self.outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.stops: list[Why] = []
        self.was_stopped = asyncio.Event()

    def stop(self, why: Why) -> None:
        self.stops.append(why)
        self.was_stopped.set()

    def end(self, outcome: Outcome) -> None:
        self.outcome.set_result(outcome)


class FakeRunner:
    """Starts jobs; the test ends them."""

    starts_processes = False
    kinds: tuple[str, ...] = ("echo",)

    def __init__(self) -> None:
        self.started: asyncio.Queue[FakeExecution] = asyncio.Queue()
        self.closed = False

    def start(self, job: Delivery, report: Report) -> FakeExecution:
        execution = FakeExecution(job, report)
        self.started.put_nowait(execution)
        return execution

    async def next(self) -> FakeExecution:
        return await asyncio.wait_for(self.started.get(), PATIENCE_SECONDS)

    async def close(self) -> None:
        self.closed = True


class Stage:
    """Everything of one test."""

    def __init__(self, hall: ScriptedHall, **options: Any) -> None:
        self.hall = hall
        self.clock = FakeClock()
        self.runner = FakeRunner()
        self.agent = Agent([self.runner], url=hall.url, name="w", clock=self.clock, **options)
        self.running = asyncio.ensure_future(self.agent.run())
        self.peer: Peer

    async def hire(self, **fields: Any) -> Message:
        """The agent's connection, greeted and at work."""
        self.peer = await self.hall.peer()
        return await self.peer.hire(**fields)

    async def start(self, *jobs: Message) -> list[FakeExecution]:
        """Deliver jobs and wait until they run."""
        self.peer.run(*jobs)
        return [await self.runner.next() for _ in jobs]

    async def rehire(self, lost: list[str] | None = None) -> Message:
        """The connection after a lost one, up to the answer to `keep`, which is returned."""
        self.peer = await self.hall.peer()
        await self.peer.greet()
        keep = await self.peer.expect("keep")
        self.peer.ok(keep, kept=[], lost=lost or [])
        return keep

    def on_refusal(self, heard: Callable[[], None]) -> None:
        """Call `heard` when the agent hears of a refusal that has no ref."""
        setattr(self.agent, "refused", lambda _error: heard())  # noqa: B010  # methods are not assigned to

    async def over(self) -> None:
        """Wait until the agent has left."""
        await asyncio.wait_for(self.running, PATIENCE_SECONDS)

    async def leave(self) -> None:
        """Let the agent go, in whatever state the test left it."""
        if not self.running.done():
            self.running.cancel()
        await asyncio.gather(self.running, return_exceptions=True)


@asynccontextmanager
async def stage(**options: Any) -> AsyncIterator[Stage]:
    async with scripted_hall() as hall:
        it = Stage(hall, **options)
        try:
            yield it
        finally:
            await it.leave()


async def heard(it: Stage) -> None:
    """Wait until the agent has heard all that the hall said: a refusal without a ref changes nothing."""
    event = asyncio.Event()
    it.on_refusal(event.set)
    it.peer.say({"error": {"code": "stale_lease", "message": "probe"}})
    await event.wait()


Play = Callable[[Stage], Awaitable[None]]


def played(**options: Any) -> Callable[[Play], Callable[[], None]]:
    """Run an async test on a stage of its own."""

    def decorate(play: Play) -> Callable[[], None]:
        async def main() -> None:
            async with stage(**options) as it:
                await play(it)

        @wraps(play)
        def test() -> None:
            asyncio.run(main())

        del test.__wrapped__  # pytest would ask for its argument
        return test

    return decorate
