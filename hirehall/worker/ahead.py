"""How many jobs the worker asks for beyond those that it runs at once: none, unless they are quick.

A quick job that comes alone costs two commits of the hall and two turns of both of us; among a thousand it costs a
thousandth of them. So credit is doubled while it does not keep any job waiting, and falls at once when it would.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from hirehall.errors import HallError
from hirehall.runners.port import Patient, Released, Runner
from hirehall.wire.replies import Delivery
from hirehall.worker.answers import AGAIN_SECONDS, PASSING
from hirehall.worker.held import Clock, Held
from hirehall.worker.serving import Serving

log = logging.getLogger("hirehall.worker")

MOST = 1000  # in hand: so many may lose an attempt when this process dies
QUICK_SECONDS = 0.02  # in hand until it has ended: more may come
SLOW_SECONDS = 0.05  # too many came
SHORT_SECONDS = 1.0  # a timeout below this is no time to wait in
REST_SECONDS = 1.0  # after jobs went back; twice as long each time that follows soon
REST_SECONDS_MOST = 64.0


class Ahead:
    """Moves `serving.ahead`; `say` tells the hall the new credit."""

    def __init__(self, runners: Sequence[Runner], serving: Serving, clock: Clock, say: Callable[[], None]) -> None:
        alone = runners[0] if len(runners) == 1 else None
        self._patient = alone if isinstance(alone, Patient) and alone.can_hold else None
        self._serving = serving
        self._clock = clock
        self._say = say
        self._is_full = False  # the hall has given all that it could since the credit was said last
        self._is_known = True  # to the hall we are connected to, as far as it has said
        self._rest = REST_SECONDS
        self._rests_until = float("-inf")
        self.reset()

    def reset(self) -> None:
        """A new connection or another concurrency: nothing more than that, for now."""
        self._serving.ahead, self._is_full, self._is_known = 0, False, True
        if self._patient is not None:
            self._patient.run_at_most(self._serving.concurrency)

    def refused(self, error: HallError) -> None:
        """A hall that knows nothing of it is not asked again; how many run at once is the runner's to keep even so."""
        log.debug("the hall refused a credit: %s", error)
        if error.code in PASSING:
            self._clock.call_at(self._clock.time() + AGAIN_SECONDS, self._say)
        else:
            self._serving.ahead, self._is_known = 0, False

    def came(self, in_hand: int) -> None:
        """Jobs came; so many are in hand now."""
        if in_hand >= self._serving.credit:
            self._is_full = True

    def is_too_much(self, in_hand: int) -> bool:
        """Whether a job that must not wait has to go back, since it would."""
        if self._patient is None or in_hand <= self._serving.concurrency:
            return False
        self._fall()
        return True

    def ended(self, ready: Sequence[Held], others: Sequence[Held]) -> None:
        """These attempts have ended, the oldest first; `others` are those of them without a result."""
        if self._patient is None or self._serving.credit == 0:
            return
        waited = self._clock.time() - ready[0].since
        if any(isinstance(held.answer, Released) and not held.answer.begun for held in others):
            self._fall()
        elif waited > SLOW_SECONDS:
            self._move(self._serving.credit // 2)
        elif self._is_full and not others and waited < QUICK_SECONDS and self._may_grow(self._patient):
            self._move(2 * self._serving.credit)

    def _may_grow(self, patient: Patient) -> bool:
        return self._is_known and self._clock.time() >= self._rests_until and patient.is_quick

    def _move(self, credit: int) -> None:
        self._is_full = False
        ahead = max(min(credit, MOST) - self._serving.concurrency, 0)
        if ahead != self._serving.ahead:
            self._serving.ahead = ahead
            self._say()

    def _fall(self) -> None:
        """To the concurrency, before anything is given back: else the hall would give it to us again."""
        now = self._clock.time()
        if now >= self._rests_until:
            is_soon = now < self._rests_until + 2 * self._rest
            self._rest = min(2 * self._rest, REST_SECONDS_MOST) if is_soon else REST_SECONDS
        self._rests_until = now + self._rest
        self._move(self._serving.concurrency)


def must_not_wait(job: Delivery) -> bool:
    """Whether it may only be in hand to run: it might be what workers die of, or has one attempt only and we might die
    with it, or its timeout runs."""
    seconds = job.timeout_seconds
    return job.attempt > 1 or job.once is True or (seconds is not None and seconds < SHORT_SECONDS)
