"""What the agent answers about its jobs: behind what they said, once per loop turn, many results in one `done`.

An attempt stays in hand until the hall has replied to its answer: what was not replied to is told again after
a reconnect, and what the hall cannot take now is told again a little later.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Raw

from hirehall.client.link import Link
from hirehall.client.session import Session
from hirehall.errors import BadRequest, HallError, TooLarge
from hirehall.model import MAX_MESSAGE
from hirehall.runners.port import Failure, Released, Success, cut
from hirehall.wire.requests import DoneJob
from hirehall.worker.held import Clock, Held
from hirehall.worker.logs import JobLogs

log = logging.getLogger("hirehall.worker")

AGAIN_SECONDS = 1.0
ROOM = MAX_MESSAGE - 1024
ENTRY_BYTES = 96  # of one job in a bulk `done`, beside its result

NOT_NOW = frozenset({"busy", "unavailable", "storage_full", "unknown"})
OVER = frozenset({"stale_lease", "not_found", "wrong_state"})  # the hall ended it first: nothing to mend


class Answers:
    """Collects what is to be said; `forget` is called with each attempt that the hall has heard about."""

    def __init__(
        self, session: Session, link: Link, clock: Clock, logs: JobLogs, forget: Callable[[Held], None]
    ) -> None:
        self._session = session
        self._link = link
        self._clock = clock
        self._logs = logs
        self._forget = forget
        self._ready: list[Held] = []
        self._scheduled = False

    def add(self, held: Held) -> None:
        """`held.answer` is there: tell it at the end of this loop turn, with all that become ready in it."""
        self._ready.append(held)
        if not self._scheduled:
            self._scheduled = True
            self._link.loop.call_soon(self.flush)

    def say_again(self, hand: Iterable[Held]) -> None:
        """A new connection: whatever was told on the old one and not replied to."""
        self._ready = [held for held in hand if held.answer is not None]
        self.flush()

    def flush(self) -> None:
        """Say everything that is ready. Without a connection it stays in hand, and `say_again` will find it
        there."""
        self._scheduled = False
        ready, self._ready = self._ready, []
        if not self._session.is_open or not ready:
            return
        for held in ready:
            self._logs.tell(held)
        for results in pieces([held for held in ready if isinstance(held.answer, Success)]):
            self._tell_results(results)
        for held in ready:
            if not isinstance(held.answer, Success):
                self._ask(_command(held), [held])
        self._link.flush()

    def _tell_results(self, results: list[Held]) -> None:
        if len(results) == 1:
            self._ask(_command(results[0]), results)
            return
        jobs = [
            DoneJob(held.id, held.attempt, Raw(held.answer.result))
            for held in results
            if isinstance(held.answer, Success)
        ]
        self._ask({"cmd": "done", "jobs": jobs}, results)

    def _ask(self, command: dict[str, Any], told: list[Held]) -> None:
        self._session.ask(command, Told(self, told), _no_reading)

    def replied(self, told: list[Held]) -> None:
        """The hall has judged them. Those that it refused were not ours any more: it gave the places back as
        well."""
        for held in told:
            self._forget(held)

    def refused(self, told: list[Held], error: HallError) -> None:
        """The hall did not take this message."""
        if not self._session.is_open:
            return  # the connection went: they are told again on the next one
        if error.code in NOT_NOW:
            again = self._clock.time() + AGAIN_SECONDS
            self._clock.call_at(again, lambda: self._add_all(told))
        elif len(told) > 1:  # one of them is not to its liking: find out which
            for held in told:
                self._ask(_command(held), [held])
            self._link.wake()
        else:
            self._refused_one(told[0], error)

    def _refused_one(self, held: Held, error: HallError) -> None:
        if isinstance(held.answer, Success) and isinstance(error, BadRequest | TooLarge):
            held.answer = Failure(error.code, cut(f"the hall refused the result: {error}"), retry=False)
            self.add(held)
            return
        level = logging.DEBUG if error.code in OVER else logging.WARNING
        log.log(level, "job %s attempt %d: the hall refused its answer: %s", held.id, held.attempt, error)
        self._forget(held)

    def _add_all(self, told: list[Held]) -> None:
        for held in told:
            self.add(held)


class Told:
    """Takes the reply to one message of answers."""

    __slots__ = ("_answers", "_told")

    def __init__(self, answers: Answers, told: list[Held]) -> None:
        self._answers = answers
        self._told = told

    def done(self) -> bool:
        return False

    def set_result(self, _reply: None) -> None:
        self._answers.replied(self._told)

    def set_exception(self, error: HallError) -> None:
        self._answers.refused(self._told, error)


def pieces(results: list[Held]) -> Iterator[list[Held]]:
    """Results in groups that fit into a message each."""
    piece: list[Held] = []
    size = 0
    for held in results:
        assert isinstance(held.answer, Success), "only results go into a bulk done"
        needed = len(held.answer.result) + ENTRY_BYTES
        if piece and size + needed > ROOM:
            yield piece
            piece, size = [], 0
        piece.append(held)
        size += needed
    if piece:
        yield piece


def _command(held: Held) -> dict[str, Any]:
    """The one command that answers this attempt."""
    answer = held.answer
    command: dict[str, Any] = {"id": held.id, "attempt": held.attempt}
    if isinstance(answer, Success):
        return {"cmd": "done", **command, "result": Raw(answer.result)}
    if isinstance(answer, Failure):
        error = {"type": cut(answer.type, 200), "message": answer.message, "trace": answer.trace}
        return {
            "cmd": "fail",
            **command,
            "error": error,
            "retry": answer.retry,
            "delay_seconds": answer.delay_seconds,
        }
    assert isinstance(answer, Released), "an attempt is answered after it has ended"
    return {"cmd": "release", **command, "delay_seconds": answer.delay_seconds}


def _no_reading(_line: object, _raw: bytes) -> None:
    """What the reply says beside `ok` changes nothing."""
