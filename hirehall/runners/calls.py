"""One call of a job function: decode the payload, call, turn what comes of it into an outcome.

`stop` is called on the agent's loop, `run` on a thread or another loop. What both touch is `_why` and the
context; each writes its own side first and then looks at the other's, so that a stop is never missed.
"""

from __future__ import annotations

import asyncio
import traceback
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from hirehall import tracing
from hirehall.runners.context import Context
from hirehall.runners.logs import Tap, current
from hirehall.runners.port import Failure, Outcome, Placed, Released, Why, cut, stopped, success
from hirehall.runners.registry import JobFunction
from hirehall.runners.steer import Fail, Retry
from hirehall.wire.replies import Delivery

Post = Callable[[Any], None]  # progress as (percent, text), a LogLine, or the Outcome

_decode = msgspec.json.Decoder().decode


class Call(Protocol):
    """What an execution has in hand."""

    post: Post
    is_given_up: bool

    def stop(self, why: Why) -> bool:
        """Whether it has not begun, and never will."""


class SyncCall:
    """A call on a thread. Python cannot stop it: the function sees `context.stopping`, or runs to its end.

    `is_given_up`: it was told to stop and did not, and its job was answered without it.
    """

    __slots__ = ("_begun", "_context", "_function", "_job", "_place", "_tap", "_why", "is_given_up", "post")

    def __init__(self, function: JobFunction, job: Delivery, place: Placed | None = None) -> None:
        self._function = function
        self._job = job
        self._place = place
        self._begun = False
        self._context: Context | None = None
        self._why: Why | None = None
        self.is_given_up = False
        self.post: Post = _dropped
        self._tap: Tap | None = None

    def stop(self, why: Why) -> bool:
        """Before it has begun it never does; later the function is told, unless it may finish."""
        if self._why in {None, "draining"}:
            self._why = why
        context = self._context
        if context is not None and why != "draining":
            context.stopping.set()
        return not self._begun

    def run(self) -> Outcome:
        """On a thread: the whole call. Never raises."""
        self._begun = True
        if self._why is not None:
            return not_begun(self._why)
        try:
            payload = _decode(self._job.payload)
        except Exception as why:  # whatever is wrong with it, only this job is
            return unreadable(why)
        current.set(self._say)  # until the next call: this thread runs nothing else
        try:
            value = self._traced(payload) if tracing.is_used() else self._call(payload)
        except BaseException as why:  # also SystemExit: a job must not end a thread of the worker
            return self._failed(why)
        finally:
            if self._tap is not None:
                self._tap.own_up()
        return success(value, self._context is not None and self._context.has_out)

    def _traced(self, payload: Any) -> Any:
        with tracing.attempt(self._job):
            return self._call(payload)

    def _call(self, payload: Any) -> Any:
        if not self._function.wants_context:
            return self._function.call(payload)
        context = self._context = Context(self._job, self._progress, self._say, self._place)
        if self._why not in {None, "draining"}:
            context.stopping.set()
        return self._function.call(payload, context)

    def _failed(self, why: BaseException) -> Outcome:
        if self._why in {None, "draining"} or isinstance(why, Fail):
            return failure(why)
        assert self._why is not None, "checked above"
        return stopped(self._why)

    def _say(self, stream: str, text: str) -> None:
        if self._tap is None:
            self._tap = Tap(self.post)
        self._tap.say(stream, text)

    def _progress(self, percent: float | None, text: str) -> None:
        self.post((percent, text))


class AsyncCall:
    """A call on the loop of the async functions. Stopping cancels it.

    `is_given_up` as for SyncCall; `was_cancelled`: its loop has passed the order on, so it is not blocked.
    """

    __slots__ = (
        "_context", "_function", "_job", "_loop", "_place", "_tap", "_task", "_why", "is_given_up", "post",
        "was_cancelled",
    )  # fmt: skip

    def __init__(self, function: JobFunction, job: Delivery, place: Placed | None = None) -> None:
        self._function = function
        self._job = job
        self._place = place
        self._context: Context | None = None
        self._why: Why | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[Outcome] | None = None
        self.is_given_up = False
        self.was_cancelled = False
        self.post: Post = _dropped
        self._tap: Tap | None = None

    def stop(self, why: Why) -> bool:
        """Before it has begun it never does; later it is cancelled, unless it may finish."""
        if self._why in {None, "draining"}:
            self._why = why
        if self._loop is not None and why != "draining":
            self._loop.call_soon_threadsafe(self._cancel)
        return False  # its loop says so

    def begin(self, loop: asyncio.AbstractEventLoop) -> None:
        """On its loop: start the task."""
        self._loop = loop
        if self._why is not None:
            self.post(not_begun(self._why))
            return
        self._task = loop.create_task(self._run())
        self._task.add_done_callback(self._ended)

    def _cancel(self) -> None:
        self.was_cancelled = True
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> Outcome:
        try:
            payload = _decode(self._job.payload)
        except Exception as why:  # whatever is wrong with it, only this job is
            return unreadable(why)
        current.set(self._say)  # in the task's own context: it ends with it
        try:
            value = await (self._traced(payload) if tracing.is_used() else self._call(payload))
            return success(value, self._context is not None and self._context.has_out)
        except asyncio.CancelledError:
            raise
        except Exception as why:  # every error of a job is an outcome
            return failure(why)

    async def _traced(self, payload: Any) -> Any:
        with tracing.attempt(self._job):
            return await self._call(payload)

    async def _call(self, payload: Any) -> Any:
        if self._function.wants_context:
            self._context = Context(self._job, self._progress, self._say, self._place)
            return await self._function.call(payload, self._context)
        return await self._function.call(payload)

    def _ended(self, task: asyncio.Task[Outcome]) -> None:
        if self._tap is not None:
            self._tap.own_up()
        if task.cancelled():
            self.post(stopped(self._why) if self._why else Failure("CancelledError", "the function cancelled itself"))
        elif (why := task.exception()) is not None:  # SystemExit and the like
            self.post(failure(why))
        else:
            self.post(task.result())

    def _say(self, stream: str, text: str) -> None:
        if self._tap is None:
            self._tap = Tap(self.post)
        self._tap.say(stream, text)

    def _progress(self, percent: float | None, text: str) -> None:
        self.post((percent, text))


def not_begun(why: Why) -> Outcome:
    """How a call ends that was stopped before it began."""
    return Released() if why in {"draining", "quit", "lost"} else stopped(why)


def failure(why: BaseException) -> Failure:
    """An exception of a job function as a failure."""
    if isinstance(why, Fail):
        return Failure("Fail", cut(why.message), retry=why.retry)
    if isinstance(why, Retry):
        return Failure("Retry", cut(why.message), retry=True, delay_seconds=why.delay_seconds)
    return Failure(type(why).__qualname__, cut(_text(why)), cut(_trace(why)))


def unreadable(why: Exception) -> Failure:
    """The payload is not what a decoder takes."""
    return Failure("PayloadError", f"the payload cannot be decoded: {why}", retry=False)


def _text(why: BaseException) -> str:
    try:
        return str(why)
    except Exception:  # an exception of the user's, whose text raises
        return "(its text cannot be shown)"


def _trace(why: BaseException) -> str:
    """The traceback from the job's function on: our own frames tell nobody anything."""
    trace = why.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:
        trace = trace.tb_next
    try:
        return "".join(traceback.format_exception(type(why), why, trace))
    except Exception:  # see _text
        return ""


def _dropped(_word: Any) -> None:
    """Before there is an execution."""
