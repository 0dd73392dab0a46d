"""Runs Python functions in processes of their own: for functions that need the CPU, and for those that may hang.

One process for each function that runs at once, kept for later ones and started when it is first needed. A function
that does not heed its stop is ended with its process, and with everything that it started; the others go on.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable, Sequence
from typing import Any

from hirehall.errors import BadRequest, HallError, Unavailable
from hirehall.runners.port import Failure, Outcome, Released, Report, Why, lost_seconds, stopped
from hirehall.runners.registry import JobFunction
from hirehall.runners.slot import Slot
from hirehall.runners.watcher import use_pidfds
from hirehall.wire.replies import Delivery

HEED_SECONDS = 5.0  # to heed `context.stopping`, or its cancellation
GRACE_SECONDS = 5.0  # then from SIGTERM to SIGKILL: both together are less than the 15 s that the hall waits
CLOSE_SECONDS = 2.0


class ProcessRunner:
    """Runs `functions`, which `files` define: a child process loads the same files.

    Raises BadRequest where processes cannot be ended with all that they started.
    """

    starts_processes = True

    def __init__(
        self,
        functions: Iterable[JobFunction],
        files: Sequence[str],
        *,
        heed_seconds: float = HEED_SECONDS,
        grace_seconds: float = GRACE_SECONDS,
    ) -> None:
        if not hasattr(os, "killpg"):
            raise BadRequest("--pool process needs Linux, macOS or another Unix: use --pool thread on this system")
        self.heed_seconds = heed_seconds
        self.grace_seconds = grace_seconds
        self._functions = {function.kind: function for function in functions}
        self._files = list(files)
        self._idle: list[Slot] = []
        self._slots: set[Slot] = set()
        self._running: set[ProcessExecution] = set()
        self._taking: set[asyncio.Task[Slot]] = set()
        self._is_closed = False
        use_pidfds()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its functions."""
        return tuple(self._functions)

    def start(self, job: Delivery, report: Report) -> ProcessExecution:
        """Run `job` in a process that is free, or in a new one."""
        execution = ProcessExecution(self, self._functions[job.kind], job, report)
        self._running.add(execution)
        execution.outcome.add_done_callback(lambda _outcome: self._running.discard(execution))
        return execution

    def take(self) -> asyncio.Task[Slot]:
        """A process that has loaded its files. Raises OSError, CannotLoad or Unavailable."""
        taking = asyncio.get_running_loop().create_task(self._take())
        self._taking.add(taking)
        taking.add_done_callback(self._taking.discard)
        return taking

    async def _take(self) -> Slot:
        while self._idle:
            slot = self._idle.pop()
            if not slot.exited.done():
                return slot
        slot = await Slot.start(self._files)
        self._slots.add(slot)
        slot.buried.add_done_callback(lambda _buried: self._slots.discard(slot))
        try:
            if self._is_closed:
                raise Unavailable("the worker is leaving")
            await slot.ready
        except BaseException:
            slot.kill()
            raise
        return slot

    def give_back(self, slot: Slot) -> None:
        """It has ended its job; one that was told to die is not used again."""
        if slot.is_doomed:
            slot.kill()
        elif not slot.exited.done():
            self._idle.append(slot)

    async def close(self) -> None:
        """Kill every process, and what runs in them."""
        self._is_closed = True
        for execution in list(self._running):
            execution.stop("quit")
        for slot in self._slots:
            slot.kill()
        for futures in (self._taking, {execution.outcome for execution in self._running}):
            if futures:
                await asyncio.wait(futures, timeout=CLOSE_SECONDS)
        if self._slots:
            await asyncio.wait({slot.buried for slot in self._slots}, timeout=CLOSE_SECONDS)


class ProcessExecution:
    """One call of a function in a child process."""

    def __init__(self, runner: ProcessRunner, function: JobFunction, job: Delivery, report: Report) -> None:
        self._loop = asyncio.get_running_loop()
        self._runner = runner
        self._function = function
        self._job = job
        self._report = report
        self._why: Why | None = None
        self._told: asyncio.Future[None] = self._loop.create_future()
        self._slot: Slot | None = None
        self._ending: asyncio.Task[None] | None = None
        self._is_lost = False
        self.outcome: asyncio.Future[Outcome] = self._loop.create_future()
        self._task = self._loop.create_task(self._run())
        self._limit = None if (limit := function.timeout_seconds) is None else self._loop.call_later(limit, self._late)

    def stop(self, why: Why) -> None:
        """Before it has begun it never does. Later the function is told, and ended with its process if it does not
        heed that; unless it may finish."""
        if self.outcome.done() or (why == "draining" and self._slot is not None):
            return
        if self._why in {None, "draining"}:
            self._why = why
        if not self._told.done():
            self._told.set_result(None)
        if self._slot is None:
            return
        if why == "quit":
            self._slot.kill()
        elif self._ending is None or (why == "lost" and not self._is_lost):
            self._end_soon(self._slot, why)

    def _end_soon(self, slot: Slot, why: Why) -> None:
        """With patience; but with little of it, whatever was begun before, when others may have the job soon."""
        heed, grace = self._runner.heed_seconds, self._runner.grace_seconds
        self._is_lost = why == "lost"
        if self._is_lost:
            heed = min(heed, lost_seconds(self._job) / 2)
            grace = min(grace, lost_seconds(self._job) / 2)
        if self._ending is not None:
            self._ending.cancel()
        slot.halt(why)
        self._ending = self._loop.create_task(self._end(slot, heed, grace))

    def _late(self) -> None:
        self.stop("timeout")

    async def _run(self) -> None:
        """Every way out of here gives an outcome."""
        try:
            outcome = await self._attempt()
        except HallError as why:
            outcome = Failure("CannotStart", str(why))
        except asyncio.CancelledError:
            outcome = stopped("quit")
        except Exception as why:  # mostly OSError: no more processes
            outcome = Failure("CannotStart", f"cannot start a process for the function: {why}")
        if self._limit is not None:
            self._limit.cancel()
        self.outcome.set_result(outcome)

    async def _attempt(self) -> Outcome:
        slot = await self._begin()
        if slot is None:
            assert self._why is not None, "only a stop keeps it from beginning"
            return Released() if self._why in {"draining", "quit"} else stopped(self._why)
        self._slot = slot
        outcome = await slot.run(self._job, self._report)
        self._runner.give_back(slot)
        has_died = isinstance(outcome, Failure) and outcome.type == "ProcessDied"
        return stopped(self._why, "the function") if has_died and self._why is not None else outcome

    async def _begin(self) -> Slot | None:
        """A process for it; None when it was told to stop before there was one."""
        taking = self._runner.take()
        waiting: set[asyncio.Future[Any]] = {taking, self._told}
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        if self._told.done():
            taking.add_done_callback(self._not_needed)
            return None
        return taking.result()

    def _not_needed(self, taking: asyncio.Task[Slot]) -> None:
        if not taking.cancelled() and taking.exception() is None:
            self._runner.give_back(taking.result())

    async def _end(self, slot: Slot, heed_seconds: float, grace_seconds: float) -> None:
        """End a function that does not end by itself: SIGTERM, then SIGKILL, to it and all that it started."""
        if self._function.wants_context or self._function.is_async:
            await asyncio.wait({self.outcome}, timeout=heed_seconds)
        if self.outcome.done():
            return
        slot.terminate()
        await asyncio.wait({slot.exited}, timeout=grace_seconds)
        await slot.kill_family()
