"""The seam between the agent and whatever runs a job.

    runner.start(job, report) -> Execution          the job runs, or is about to
    execution.outcome                               an ending: Success, Failure or Released, exactly once
    execution.stop(why)                             end it; the outcome still comes, and says how it ended

All calls come from the agent's event loop and never block; outcomes are set there too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, runtime_checkable

from msgspec import Struct

from hirehall.model import MAX_BODY
from hirehall.wire.body import encode_body
from hirehall.wire.replies import Delivery

# cancelled, timeout, lost: the job is not ours any more. draining: end it only if it has not begun. quit: end
# it now and wait for nothing, this process is about to exit.
Why = Literal["cancelled", "timeout", "lost", "draining", "quit"]

LOST_PART = 0.05  # of a lease: what was told `lost` is dead after it, for another twentieth later others may begin
LOST_SECONDS = 1.0  # at most: with a long lease others may begin earlier, when the connection has closed
MAX_RESULT = 64 << 20  # bytes of JSON: it is in memory here and where it is read. Files may be larger
MAX_FAULT_TEXT = 16 * 1024  # characters of a message or a trace: it must fit into a line, and a person reads it


class Success(Struct, frozen=True, gc=False):
    """It ran. `result` is JSON. `has_files`: files may lie in `out`, or the result is too large for a message and
    becomes one; whoever has started it sends them."""

    result: bytes
    has_files: bool = False


class Failure(Struct, frozen=True, gc=False):
    """It ran, or could not. `retry`: whether another attempt makes sense; after `delay_seconds` if that is
    set."""

    type: str
    message: str
    trace: str = ""
    retry: bool = True
    delay_seconds: float | None = None


class Released(Struct, frozen=True, gc=False):
    """It has not begun: the job goes back as if it had not been handed out. Or it has `begun` and was broken off by no
    fault of its own: then that counts only for a job that may be started once."""

    delay_seconds: float = 0.0
    begun: bool = False


Outcome = Success | Failure | Released


class Placed(Protocol):
    """Whatever knows the directory of an attempt. From any thread: asking makes nothing."""

    @property
    def folder(self) -> str:
        """Its path (folder.py); it need not exist yet."""


class Report(Placed, Protocol):
    """What a running job may say. Only from the agent's loop."""

    def progress(self, percent: float | None, text: str) -> None:
        """How far it is, 0 to 100, and a word about it."""

    def log(self, stream: str, text: str) -> None:
        """One or more lines of its log, without the last line break; `stream` is stdout, stderr or log."""


class Awaited(Protocol):
    """How an execution ends, as soon as it has. A future is one; an Ending costs less."""

    def done(self) -> bool:
        """Whether it has ended."""

    def result(self) -> Outcome:
        """How. Raises what a runner that broke its promise has left here."""

    def add_done_callback(self, heard: Callable[[Any], object], /) -> object:
        """Call `heard` with this when it has ended."""


class Ending:
    """An outcome that its one listener hears at once, without a turn of the loop."""

    __slots__ = ("_heard", "_outcome")

    def __init__(self) -> None:
        self._outcome: Outcome | None = None
        self._heard: Callable[[Ending], object] | None = None

    def done(self) -> bool:
        """Whether it has ended."""
        return self._outcome is not None

    def result(self) -> Outcome:
        """How."""
        assert self._outcome is not None, "it is read after it has ended"
        return self._outcome

    def add_done_callback(self, heard: Callable[[Ending], object], /) -> None:
        """Call `heard` with this when it has ended, or now if it has."""
        self._heard = heard
        if self._outcome is not None:
            heard(self)

    def set_result(self, outcome: Outcome) -> None:
        """It has ended like this."""
        self._outcome = outcome
        if self._heard is not None:
            self._heard(self)


class Execution(Protocol):
    """One attempt at a job."""

    @property
    def outcome(self) -> Awaited:
        """How it ended."""

    def stop(self, why: Why) -> None:
        """End it. Calling again with another reason is allowed; an execution that has ended ignores it."""


class Runner(Protocol):
    """Runs jobs of some kinds."""

    starts_processes: bool  # the agent's loop is chosen by it

    @property
    def kinds(self) -> tuple[str, ...]:
        """What it can run; "*" is everything that no other runner of the agent names."""

    def start(self, job: Delivery, report: Report) -> Execution:
        """Run `job`. Never raises: what cannot run is an execution that has failed."""

    async def close(self) -> None:
        """Nothing more will be started: let go of threads and processes."""


@runtime_checkable
class Patient(Runner, Protocol):
    """A runner that may be given more than it runs at once: it gives back what would not begin soon, as not begun."""

    @property
    def can_hold(self) -> bool:
        """Whether it can for all that it runs."""

    @property
    def is_quick(self) -> bool:
        """Whether what it was given since this was asked last is of kinds whose runs are quick."""

    def run_at_most(self, places: int) -> None:
        """So many at once from now on; what runs is finished."""


def lost_seconds(job: Delivery) -> float:
    """How long an attempt whose lease is `lost` may still take, whatever it says: it is killed then."""
    return min(job.lease_seconds * LOST_PART, LOST_SECONDS)


def success(value: Any, has_files: bool = False) -> Outcome:
    """`value` as a result, or why it cannot be one."""
    try:
        result = encode_body(value)
    except Exception as why:  # an encoder meets objects of the user's, which may raise anything
        return Failure("TypeError", f"the result cannot be written as JSON: {why}", retry=False)
    return fitting(result, has_files)


def fitting(result: bytes, has_files: bool = False) -> Outcome:
    """A result in JSON; one that does not fit into a message will be a file."""
    if len(result) > MAX_RESULT:
        return Failure(
            "too_large",
            f"the result has {len(result)} bytes: at most {MAX_RESULT} are accepted; leave a file and return its name",
            retry=False,
        )
    return Success(result, has_files or len(result) > MAX_BODY)


def cut(text: str, limit: int = MAX_FAULT_TEXT) -> str:
    """A text that may go over the wire: no NUL, no half characters, and only its end when it is too long, for
    there errors say what they are."""
    if len(text) > limit:
        text = "... " + text[-limit:]
    return text if text.isascii() and "\0" not in text else _clean(text)


def _clean(text: str) -> str:
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def stopped(why: Why, what: str = "the job") -> Failure:
    """How an execution ends that was stopped."""
    return Failure(STOPPED_TYPES[why], f"{what} was stopped: {STOPPED_TEXTS[why]}")


STOPPED_TYPES: dict[Why, str] = {
    "cancelled": "Cancelled",
    "timeout": "Timeout",
    "lost": "Lost",
    "draining": "Draining",
    "quit": "Draining",
}
STOPPED_TEXTS: dict[Why, str] = {
    "cancelled": "it was cancelled",
    "timeout": "it took longer than its timeout",
    "lost": "its lease ran out",
    "draining": "the worker is leaving",
    "quit": "the worker is leaving",
}
