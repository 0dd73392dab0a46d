"""Runs Python functions: ordinary ones on threads, async ones on an event loop of their own.

The agent's loop never runs user code, so a function that blocks or never awaits cannot stop the beats.
Threads (threads.py) put what they finished into one deque; a burst of results costs the agent's loop one wake-up.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from hirehall.runners.calls import AsyncCall, Call, SyncCall, not_begun
from hirehall.runners.logs import LogLine
from hirehall.runners.port import Ending, Failure, Outcome, Report, Why, lost_seconds, stopped
from hirehall.runners.registry import JobFunction
from hirehall.runners.threads import Pace, Threads
from hirehall.wire.replies import Delivery

log = logging.getLogger("hirehall.worker")


GIVE_UP_SECONDS = 5.0  # how long a function may take to heed a stop; the hall waits 15 s for the answer


class PythonRunner:
    """Runs the functions given. Has at most as many threads as sync functions were ever running at once.

    A function that was told to stop and has not after `give_up_seconds` is answered without it: its thread goes on,
    what it says later is dropped.
    """

    starts_processes = False

    def __init__(self, functions: Iterable[JobFunction], *, give_up_seconds: float = GIVE_UP_SECONDS) -> None:
        self.give_up_seconds = give_up_seconds
        self._functions = {function.kind: (function, Pace()) for function in functions}
        self._threads = Threads()
        self._tasks = LoopThread()
        self._blocked: list[LoopThread] = []
        self._stuck = 0
        self._inbox: Inbox | None = None
        self._used = set[Pace]()

    @property
    def can_hold(self) -> bool:
        """Not where async functions are, which begin at once; nor where a timeout is too short to wait in."""
        functions = [function for function, _ in self._functions.values()]
        return not any(function.is_async or (function.timeout_seconds or 1.0) < 1.0 for function in functions)

    @property
    def is_quick(self) -> bool:
        """Whether the kinds are that were started since this was asked last."""
        used, self._used = self._used, set()
        return all(pace.is_quick for pace in used)

    def run_at_most(self, places: int) -> None:
        """So many sync functions at once from now on."""
        self._threads.run_at_most(places)

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its functions."""
        return tuple(self._functions)

    def start(self, job: Delivery, report: Report) -> PythonExecution:
        """Run `job` on a thread, or on the loop of the async functions."""
        inbox = self._inbox
        if inbox is None:
            inbox = self._inbox = Inbox(asyncio.get_running_loop())
        known = self._functions.get(job.kind)
        if known is None:
            return _failed(self, inbox, job, f"this worker has no function for kind {job.kind!r}")
        function, pace = known
        call: AsyncCall | SyncCall
        if function.is_async:
            call = AsyncCall(function, job, report)
            execution = PythonExecution(self, None, call, inbox, report, job)
            call.post = execution.post
            self._tasks.submit(call)
        else:
            call = SyncCall(function, job, report)
            execution = PythonExecution(self, self._threads, call, inbox, report, job)
            call.post = execution.post
            self._used.add(pace)
            self._threads.submit(call, pace)
        if function.timeout_seconds is not None:
            execution.limit(function.timeout_seconds)
        return execution

    def give_up(self, call: Call) -> None:
        """A call is answered without its outcome: what it occupies is no longer counted on."""
        call.is_given_up = True
        self._stuck += 1
        log.warning(
            "a function did not heed its stop within %g s and still runs: %d stuck in this worker; "
            "`--pool process` can end such functions",
            self.give_up_seconds,
            self._stuck,
        )
        if isinstance(call, SyncCall):
            self._threads.give_up(call)
        elif isinstance(call, AsyncCall) and not call.was_cancelled:  # its loop is blocked, and all that is on it
            self._blocked.append(self._tasks)  # it goes on by itself should it ever come free
            self._tasks = LoopThread()

    def came_back(self) -> None:
        """A function that was given up has ended after all."""
        self._stuck -= 1
        log.warning("a stuck function has ended: %d still stuck in this worker", self._stuck)

    async def close(self) -> None:
        """Ask the threads to end; one that is still in a function ends with the process."""
        self._threads.close()
        for tasks in (self._tasks, *self._blocked):
            tasks.close()


class PythonExecution(Ending):
    """One call of a function, as the agent sees it."""

    __slots__ = ("_call", "_inbox", "_job", "_report", "_runner", "_threads", "_timers")

    def __init__(
        self,
        runner: PythonRunner,
        threads: Threads | None,
        call: Call,
        inbox: Inbox,
        report: Report,
        job: Delivery,
    ) -> None:
        self._outcome, self._heard = None, None
        self._runner = runner
        self._threads = threads
        self._call = call
        self._inbox = inbox
        self._report = report
        self._job = job
        self._timers: dict[str, asyncio.TimerHandle] | None = None

    @property
    def outcome(self) -> Ending:
        """How it ended: it is told here."""
        return self

    def stop(self, why: Why) -> None:
        """Pass it on to the function, which may take its time, but not for ever: its job's place would be filled
        for ever. (After `lost` it may, which is said: others could get the job while it still runs.)"""
        if self.done():
            return
        if self._call.stop(why):
            assert self._threads is not None, "only those of threads know"
            self._threads.ended()
            self._settle(not_begun(why))
        elif why in {"timeout", "cancelled"}:
            self._once("patience", self._runner.give_up_seconds, self._give_up, why)
        elif why == "lost":
            self._once("lost", lost_seconds(self._job), self._runs_on)

    def limit(self, seconds: float) -> None:
        """The function's own timeout."""
        self._once("limit", seconds, self.stop, "timeout")

    def _once(self, timer: str, seconds: float, callback: Callable[..., None], *args: Any) -> None:
        """Few executions have a timer, and none has the same one twice."""
        if self._timers is None:
            self._timers = {}
        if timer not in self._timers:
            self._timers[timer] = self._inbox.loop.call_later(seconds, callback, *args)

    def _runs_on(self) -> None:
        log.warning(
            "job %s attempt %d has lost its lease and still runs, though others may run the job from now on;"
            " `--pool process` can end such functions",
            self._job.id,
            self._job.attempt,
        )

    def _give_up(self, why: Why) -> None:
        if not self.done():
            self._settle(still_running(why, self._runner.give_up_seconds))
            self._runner.give_up(self._call)

    def post(self, word: Outcome | LogLine | tuple[float | None, str]) -> None:
        """Progress, log lines or the outcome, from whatever thread."""
        self._inbox.put(self, word)

    def hear(self, word: Outcome | LogLine | tuple[float | None, str]) -> None:
        """The same, on the agent's loop."""
        if isinstance(word, tuple):
            self._report.progress(*word)
        elif isinstance(word, LogLine):
            word.tap.heard(word)
            self._report.log(word.stream, word.text)
        elif not self.done():
            if self._threads is not None:
                self._threads.ended()
            self._settle(word)
        elif self._call.is_given_up:
            self._runner.came_back()

    def _settle(self, outcome: Outcome) -> None:
        if self._timers is not None:
            for timer in self._timers.values():
                timer.cancel()
        self.set_result(outcome)


def still_running(why: Why, seconds: float) -> Failure:
    """How an attempt ends whose function does not."""
    ended = stopped(why)
    message = f"{ended.message}; its function did not end within {seconds:g} s and still runs: it cannot be stopped"
    return Failure(ended.type, message)


class Inbox:
    """Words from other threads to the agent's loop: one wake-up for all that came since the last one."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.loop = loop
        self._words: deque[tuple[PythonExecution, Any]] = deque()
        self._awake = False

    def put(self, execution: PythonExecution, word: Any) -> None:
        """From any thread. First append, then look: whoever empties the deque clears the flag before."""
        self._words.append((execution, word))
        if not self._awake:
            self._awake = True
            self._wake()

    def _wake(self) -> None:
        try:
            self.loop.call_soon_threadsafe(self._empty)
        except RuntimeError:  # the loop is closed: the process is on its way out, nobody waits for this
            self._words.clear()

    def _empty(self) -> None:
        """What is there now; a thread that never stops talking must not hold the loop, and with it the beats."""
        self._awake = False
        words = self._words
        for _ in range(len(words)):
            execution, word = words.popleft()
            execution.hear(word)
        if words and not self._awake:
            self._awake = True
            self._wake()


class LoopThread:
    """An event loop in a thread of its own, begun with the first async call."""

    def __init__(self) -> None:
        self._calls: deque[AsyncCall] = deque()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._awake = False

    def submit(self, call: AsyncCall) -> None:
        """Begin it there; one wake-up for a burst."""
        loop = self._loop
        if loop is None:
            loop = self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(loop,), name="hirehall-async-jobs", daemon=True).start()
        self._calls.append(call)
        if not self._awake:
            self._awake = True
            loop.call_soon_threadsafe(self._begin, loop)

    def _begin(self, loop: asyncio.AbstractEventLoop) -> None:
        self._awake = False
        while self._calls:
            self._calls.popleft().begin(loop)

    def close(self) -> None:
        """End the loop; what still runs there is over."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._loop.stop)


def _run(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
        _cancel_all(loop)
    finally:
        loop.close()


def _cancel_all(loop: asyncio.AbstractEventLoop) -> None:
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        task.cancel()
    if tasks:
        loop.run_until_complete(asyncio.wait(tasks, timeout=1.0))


class _Nothing:
    """Stands for the call of an execution that had nothing to call."""

    post: Callable[[Any], None]
    is_given_up = False

    def stop(self, why: Why) -> bool:
        """It has ended."""
        return False


def _failed(runner: PythonRunner, inbox: Inbox, job: Delivery, message: str) -> PythonExecution:
    execution = PythonExecution(runner, None, _Nothing(), inbox, _Silent(), job)
    execution.set_result(Failure("UnknownKind", message))
    return execution


class _Silent:
    folder = ""

    def progress(self, percent: float | None, text: str) -> None:
        """Nobody listens."""

    def log(self, stream: str, text: str) -> None:
        """Nobody listens."""
