"""Runs Python functions: ordinary ones on threads, async ones on an event loop of their own.

The agent's loop never runs user code, so a function that blocks or never awaits cannot stop the beats.
Threads take from one queue and put what they finished into one deque; a burst of results costs the agent's
loop one wake-up.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Iterable
from queue import SimpleQueue
from typing import Any

from hirehall.runners.calls import AsyncCall, Call, SyncCall
from hirehall.runners.port import Failure, Outcome, Report, Why
from hirehall.runners.registry import JobFunction
from hirehall.wire.replies import Delivery


class PythonRunner:
    """Runs the functions given. Has as many threads as sync functions were ever running at once."""

    def __init__(self, functions: Iterable[JobFunction]) -> None:
        self._functions = {function.kind: function for function in functions}
        self._threads = Threads()
        self._tasks = LoopThread()
        self._inbox: Inbox | None = None

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of its functions."""
        return tuple(self._functions)

    def start(self, job: Delivery, report: Report) -> PythonExecution:
        """Run `job` on a thread, or on the loop of the async functions."""
        inbox = self._inbox
        if inbox is None:
            inbox = self._inbox = Inbox(asyncio.get_running_loop())
        function = self._functions.get(job.kind)
        if function is None:
            return _failed(inbox, f"this worker has no function for kind {job.kind!r}")
        call = (AsyncCall if function.is_async else SyncCall)(function, job)
        execution = PythonExecution(call, inbox, report)
        call.post = execution.post
        if isinstance(call, AsyncCall):
            self._tasks.submit(call)
        else:
            self._threads.submit(call)
            execution.ended = self._threads.ended
        if function.timeout_seconds is not None:
            execution.limit(function.timeout_seconds)
        return execution

    async def close(self) -> None:
        """Ask the threads to end; one that is still in a function ends with the process."""
        self._threads.close()
        self._tasks.close()


class PythonExecution:
    """One call of a function, as the agent sees it."""

    __slots__ = ("_call", "_inbox", "_report", "_timer", "ended", "outcome")

    def __init__(self, call: Call, inbox: Inbox, report: Report) -> None:
        self._call = call
        self._inbox = inbox
        self._report = report
        self._timer: asyncio.TimerHandle | None = None
        self.ended: Callable[[], None] | None = None
        self.outcome: asyncio.Future[Outcome] = inbox.loop.create_future()

    def stop(self, why: Why) -> None:
        """Pass it on to the function, which may take its time."""
        if not self.outcome.done():
            self._call.stop(why)

    def limit(self, seconds: float) -> None:
        """The function's own timeout."""
        self._timer = self._inbox.loop.call_later(seconds, self.stop, "timeout")

    def post(self, word: Outcome | tuple[float | None, str]) -> None:
        """Progress or the outcome, from whatever thread."""
        self._inbox.put(self, word)

    def hear(self, word: Outcome | tuple[float | None, str]) -> None:
        """The same, on the agent's loop."""
        if isinstance(word, tuple):
            self._report.progress(*word)
        elif not self.outcome.done():
            if self._timer is not None:
                self._timer.cancel()
            if self.ended is not None:
                self.ended()
            self.outcome.set_result(word)


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
            try:
                self.loop.call_soon_threadsafe(self._empty)
            except RuntimeError:  # the loop is closed: the process is on its way out, nobody waits for this
                self._words.clear()

    def _empty(self) -> None:
        self._awake = False
        words = self._words
        while words:
            execution, word = words.popleft()
            execution.hear(word)


class Threads:
    """A thread for every call that has not ended, kept for later ones. Counted on the agent's loop only: no
    lock."""

    def __init__(self) -> None:
        self._calls: SimpleQueue[SyncCall | None] = SimpleQueue()
        self._size = 0
        self._busy = 0

    def submit(self, call: SyncCall) -> None:
        """Run it. There is a thread for each call, so none waits for another to end."""
        self._busy += 1
        self._calls.put(call)
        if self._busy > self._size:
            self._size += 1
            threading.Thread(target=self._serve, name=f"hirehall-job-{self._size}", daemon=True).start()

    def ended(self) -> None:
        """The outcome of a call has been heard."""
        self._busy -= 1

    def _serve(self) -> None:
        take = self._calls.get
        while (call := take()) is not None:
            call.post(call.run())

    def close(self) -> None:
        """Each thread ends when it is free."""
        for _ in range(self._size):
            self._calls.put(None)


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

    def stop(self, why: Why) -> None:
        """It has ended."""


def _failed(inbox: Inbox, message: str) -> PythonExecution:
    execution = PythonExecution(_Nothing(), inbox, _Silent())
    execution.outcome.set_result(Failure("UnknownKind", message))
    return execution


class _Silent:
    def progress(self, percent: float | None, text: str) -> None:
        """Nobody listens."""
