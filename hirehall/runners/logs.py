"""Which job a log line belongs to: `logging` in a job function goes to the log of its job.

The job that runs is a context variable, set around the call of its function: in its thread, in its asyncio task
(and what that starts, `asyncio.to_thread` included), in its child process. A thread that a function starts by
itself belongs to no job.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextvars import ContextVar

from hirehall.runners.port import cut

Say = Callable[[str, str], None]  # stream, text; from any thread, never raises, never waits

STREAM = "log"
MAX_LINE = 16 * 1024  # characters of one record, its traceback included
WAITING_CHARACTERS = 256 * 1024  # of one job, on their way to the agent's loop

current: ContextVar[Say | None] = ContextVar("hirehall_job_log", default=None)


def unheard(_stream: str, _text: str) -> None:
    """Where a function is called without a job, in a test."""


class JobLogHandler(logging.Handler):
    """Gives each record that is emitted while a job function runs to that job, as `LEVEL logger: message`."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
        self._users = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises: a record whose arguments do not fit its text is named instead."""
        say = current.get()
        if say is not None:
            say(STREAM, self._text(record))
        else:
            self._pass_on(record)

    def _text(self, record: logging.LogRecord) -> str:
        try:
            return cut(self.format(record), MAX_LINE)
        except Exception as why:  # the arguments are the user's: their texts may raise anything
            return f"{record.levelname} {record.name}: (a record that cannot be shown: {type(why).__name__})"

    def _pass_on(self, record: logging.LogRecord) -> None:
        """Where this handler is the only one, a warning still goes to stderr, as it does without any handler."""
        last = logging.lastResort
        if last is not None and record.levelno >= last.level and logging.root.handlers == [self]:
            last.handle(record)

    def install(self) -> None:
        """On the root logger, once for all agents of a process."""
        self._users += 1
        if self._users == 1:
            logging.root.addHandler(self)

    def uninstall(self) -> None:
        """The last agent takes it away."""
        self._users -= 1
        if self._users == 0:
            logging.root.removeHandler(self)


job_logs = JobLogHandler()


class LogLine:
    """Lines of a job's log on their way to the agent's loop."""

    __slots__ = ("stream", "tap", "text")

    def __init__(self, tap: Tap, stream: str, text: str) -> None:
        self.tap = tap
        self.stream = stream
        self.text = text


class Tap:
    """The way of one job's lines from wherever its function runs: bounded, and what did not fit is counted.

    `say` runs in the job's threads, `heard` on the agent's loop; each writes its own number, so there is no lock.
    """

    __slots__ = ("_heard", "_lost", "_post", "_said")

    def __init__(self, post: Callable[[LogLine], None]) -> None:
        self._post = post
        self._said = 0
        self._heard = 0
        self._lost = 0

    def say(self, stream: str, text: str) -> None:
        """A line of the job's log."""
        if self._said - self._heard > WAITING_CHARACTERS:
            self._lost += 1
            return
        self.own_up()
        self._said += len(text)
        self._post(LogLine(self, stream, text))

    def heard(self, line: LogLine) -> None:
        """It has arrived: there is room for as much again."""
        self._heard += len(line.text)

    def own_up(self) -> None:
        """Say how much is missing, before the next line or at the end."""
        if self._lost:
            lost, self._lost = self._lost, 0
            text = left_out(lost)
            self._said += len(text)
            self._post(LogLine(self, STREAM, text))


def left_out(lines: int) -> str:
    """What stands in a log for lines that did not fit."""
    return f"... {lines} lines left out here: the job wrote faster than they could be sent ..."
