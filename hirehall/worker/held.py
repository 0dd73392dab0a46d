"""One attempt in the agent's hand, from its delivery until the hall has taken its answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from hirehall.runners.port import Awaited, Execution, Failure, Outcome, Released, Success, Why, cut, stopped

log = logging.getLogger("hirehall.worker")


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """Monotonic seconds, and calls at a time of it. An event loop is one; tests have their own."""

    def time(self) -> float: ...

    def call_at(self, when: float, callback: Callable[[], object], /) -> Timer: ...


class Keeper(Protocol):
    """Whoever has attempts in hand."""

    def ended(self, held: Held) -> None:
        """It ran: `held.answer` is to be told."""

    def progressed(self, held: Held, percent: float | None, text: str) -> None:
        """It said how far it is."""

    def logged(self, held: Held, stream: str, text: str) -> None:
        """It wrote lines of its log."""

    def folder_of(self, held: Held) -> str:
        """Where its files are."""

    def carry(self, held: Held, success: Success) -> None:
        """It ran, and has files to send before that is told."""


class Held:
    """One attempt. `answer` is None while it runs; `why` is the reason for which it was told to stop."""

    __slots__ = (
        "answer", "attempt", "doubts", "execution", "fenced", "id", "keeper", "place", "since", "timer", "why",
    )  # fmt: skip

    def __init__(self, keeper: Keeper, id: str, attempt: int, since: float) -> None:  # noqa: A002
        self.keeper = keeper
        self.id = id
        self.attempt = attempt
        self.since = since  # monotonic seconds: when it came
        self.execution: Execution | None = None
        self.answer: Outcome | None = None
        self.doubts = 0  # how often the hall did not know whether it has taken the answer
        self.why: Why | None = None
        self.fenced = False  # its lease may have passed while it ran: whatever it says now is not reported
        self.timer: Timer | None = None
        self.place = ""  # its directory, once somebody has asked for it

    @property
    def folder(self) -> str:
        """For the execution: its directory, which need not exist yet."""
        if not self.place:
            self.place = self.keeper.folder_of(self)
        return self.place

    def progress(self, percent: float | None, text: str) -> None:
        """For the execution: say how far it is."""
        if self.answer is None:
            self.keeper.progressed(self, percent, text)

    def log(self, stream: str, text: str) -> None:
        """For the execution: lines of its log."""
        if self.answer is None:
            self.keeper.logged(self, stream, text)

    def stop(self, why: Why) -> None:
        """Pass it on to the execution, while there is one."""
        if self.answer is not None or self.execution is None:
            return
        if self.why in {None, "draining"}:
            self.why = why
        self.execution.stop(why)

    def outcome_came(self, outcome: Awaited) -> None:
        """The execution has ended. What it has left is sent by another one, unless it was told to stop."""
        answer = outcome_of(outcome)
        if isinstance(answer, Success) and answer.has_files:
            if self.why in {None, "draining"} and not self.fenced:
                self.keeper.carry(self, answer)
                return
            answer = stopped(self.why or "lost")
        self.answer = answer if self.why is None and not self.fenced else self._judge(answer)
        if self.timer is not None:
            self.timer.cancel()
        self.keeper.ended(self)

    def _judge(self, outcome: Outcome) -> Outcome:
        """What is told. Without its lease an attempt that broke off is given back, not failed: a try was not
        used up. A result is told even then, and the hall decides; but not when another worker may have begun
        meanwhile."""
        if self.fenced and isinstance(outcome, Success):
            log.warning("job %s attempt %d ended after its lease: its result is not reported", self.id, self.attempt)
        if self.fenced or (self.why in {"lost", "quit"} and not isinstance(outcome, Success)):
            return outcome if isinstance(outcome, Released) else Released(begun=True)
        return outcome


def outcome_of(ending: Awaited) -> Outcome:
    """How it ended; a runner that broke its promise has failed this job only."""
    try:
        return ending.result()
    except asyncio.CancelledError:
        return Released()
    except BaseException as why:  # also SystemExit: it stays what it was, a word about this job
        return Failure("RunnerError", cut(f"{type(why).__name__}: {why}"))
