"""What the agent answers about its jobs: behind what they said, once per loop turn, many results in one `done`.

An attempt stays in hand until the hall has replied to its answer: what was not replied to is told again after
a reconnect, what the hall cannot take now is told again a little later, and what it does not admit is told in
fewer words: an attempt that nobody answers for would be kept running by the beats for the others. An answer at which
the hall fails by a mistake of its own is told again by itself, later and later, for a minute; then it is told in fewer
words too, so that the attempt counts and the rules of the job decide, and only when the hall fails at these as well its
lease is given up: the hall takes that for an attempt which never arrived. Nothing is stored twice by telling it again:
the hall knows each attempt.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Raw

from hirehall.client.link import Link
from hirehall.client.session import Session, encode_plain
from hirehall.errors import BadRequest, HallError, TooLarge, Unknown
from hirehall.model import MAX_MESSAGE
from hirehall.runners.port import Failure, Outcome, Released, Success, cut
from hirehall.wire.body import encode_body
from hirehall.wire.requests import DoneJob
from hirehall.worker.held import Clock, Held
from hirehall.worker.logs import JobLogs

log = logging.getLogger("hirehall.worker")

AGAIN_SECONDS = 1.0
ROOM = MAX_MESSAGE - 1024
ENTRY_BYTES = 96  # of one job in a bulk `done`, beside its result

MOST_DOUBTS = 7  # the waits between are 1, 2, 4 ... 32 s

NOT_NOW = frozenset({"busy", "unavailable", "storage_full"})
IN_DOUBT = Unknown.code
PASSING = NOT_NOW | {IN_DOUBT}  # the same may be taken a little later
OVER = frozenset({"stale_lease", "not_found", "wrong_state", "damaged"})  # the lease has ended: nothing to mend
UNSAID = "the hall did not admit what the worker said about this failure"


class Answers:
    """Collects what is to be said; `ended` is called with all that is about to be said and those of them
    without a result, `forget` with the attempts that the hall has heard about."""

    def __init__(
        self,
        session: Session,
        link: Link,
        clock: Clock,
        logs: JobLogs,
        ended: Callable[[list[Held], list[Held]], None],
        forget: Callable[[list[Held]], None],
    ) -> None:
        self._session = session
        self._link = link
        self._clock = clock
        self._logs = logs
        self._ended = ended
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
        for held in self._ready:
            if held.timer is not None:  # it would have been told later
                held.timer.cancel()
        self.flush()

    def flush(self) -> None:
        """Say everything that is ready. Without a connection it stays in hand, and `say_again` will find it
        there."""
        self._scheduled = False
        ready, self._ready = self._ready, []
        if not self._session.is_open or not ready:
            return
        self._logs.tell_all(ready)
        results: list[Held] = []
        others: list[Held] = []
        for held in ready:
            (results if isinstance(held.answer, Success) else others).append(held)
        self._ended(ready, others)
        for piece in pieces(results):
            self._tell_results(piece)
        for held in others:
            self._ask(_command(held), [held])
        self._link.flush()

    def _tell_results(self, results: list[Held]) -> None:
        if len(results) == 1:
            self._ask(_command(results[0]), results, encode_plain)
            return
        jobs = [DoneJob(held.id, held.attempt, Raw(_result(held))) for held in results]
        self._ask({"cmd": "done", "jobs": jobs}, results, encode_plain)

    def _ask(self, command: dict[str, Any], told: list[Held], encode: Callable[[Any], bytes] = encode_body) -> None:
        try:
            self._session.ask(command, Told(self, told), _no_reading, encode=encode)
        except HallError as exc:
            self.refused(told, exc)
        except (ValueError, TypeError) as exc:  # a runner's words that cannot be written, like half a character
            self.refused(told, BadRequest(str(exc)))

    def replied(self, told: list[Held]) -> None:
        """The hall has judged them. Those that it refused were not ours any more: it gave the places back as
        well."""
        self._forget(told)

    def refused(self, told: list[Held], error: HallError) -> None:
        """The hall did not take this message."""
        if not self._session.is_open:
            return  # the connection went: they are told again on the next one
        if error.code in NOT_NOW:
            self._later(AGAIN_SECONDS, told, self._add_all)
        elif len(told) > 1:  # one of them is not to its liking: find out which
            self._tell_each(told)
        elif error.code == IN_DOUBT:
            self._doubted(told[0], error)
        else:
            self._refused_one(told[0], error)

    def _later(self, seconds: float, told: list[Held], tell: Callable[[list[Held]], None]) -> None:
        """Without a connection then, `say_again` tells them."""
        timer = self._clock.call_at(self._clock.time() + seconds, lambda: tell(told) if self._session.is_open else None)
        for held in told:
            held.timer = timer

    def _tell_each(self, told: list[Held]) -> None:
        """Not together: the hall shall judge each by itself."""
        for held in told:
            self._ask(_command(held), [held])
        self._link.wake()

    def _doubted(self, held: Held, error: HallError) -> None:
        held.doubts += 1
        if held.doubts < MOST_DOUBTS:
            self._later(AGAIN_SECONDS * 2 ** (held.doubts - 1), [held], self._tell_each)
            return
        if held.doubts == MOST_DOUBTS:
            log.error(
                "job %s attempt %d: its answer was told %d times, and the hall failed at it each time: it is told in"
                " fewer words, and the job may run again: %s",
                held.id, held.attempt, held.doubts, error,
            )  # fmt: skip
        self._say_less(held, in_fewer_words(held.answer, error))

    def _say_less(self, held: Held, fewer: Outcome | None) -> None:
        if fewer is None:
            self._give_up(held)
            return
        held.answer = fewer
        self.add(held)

    def _give_up(self, held: Held) -> None:
        """Beats are for all that is in hand: only a `keep` without it ends its lease."""
        self._forget([held])
        self._link.drop()

    def _refused_one(self, held: Held, error: HallError) -> None:
        if error.code in OVER:
            log.debug("job %s attempt %d: the hall refused its answer: %s", held.id, held.attempt, error)
            self._forget([held])
            return
        log.warning("job %s attempt %d: the hall refused its answer: %s", held.id, held.attempt, error)
        self._say_less(held, in_fewer_words(held.answer, error) if isinstance(error, BadRequest | TooLarge) else None)

    def _add_all(self, told: Iterable[Held]) -> None:
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


def in_fewer_words(answer: Outcome | None, error: HallError) -> Outcome | None:
    """What to say instead of an answer that was refused with `error`; None when nothing is left to leave out."""
    if isinstance(answer, Success):
        return Failure(error.code, cut(f"the hall refused the result: {error}"), retry=error.code == IN_DOUBT)
    if isinstance(answer, Failure):
        bare = Failure(cut(answer.type, 200), UNSAID, retry=answer.retry)
        return bare if bare != answer else Released(begun=True)
    if isinstance(answer, Released) and answer.delay_seconds:
        return Released(begun=answer.begun)
    return None


def pieces(results: list[Held]) -> Iterator[list[Held]]:
    """Results in groups that fit into a message each."""
    if sum(len(_result(held)) for held in results) + ENTRY_BYTES * len(results) <= ROOM:
        if results:
            yield results
        return
    piece: list[Held] = []
    size = 0
    for held in results:
        needed = len(_result(held)) + ENTRY_BYTES
        if piece and size + needed > ROOM:
            yield piece
            piece, size = [], 0
        piece.append(held)
        size += needed
    if piece:
        yield piece


def _result(held: Held) -> bytes:
    assert isinstance(held.answer, Success), "only results go into a bulk done"
    return held.answer.result


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
    return {"cmd": "release", **command, "delay_seconds": answer.delay_seconds, "begun": answer.begun}


def _no_reading(_line: object, _raw: bytes) -> None:
    """What the reply says beside `ok` changes nothing."""
