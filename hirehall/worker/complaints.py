"""What is said about a hall that is not there: once, and then at growing intervals. It may be away for a weekend."""

from __future__ import annotations

import logging

from hirehall.errors import HallError
from hirehall.worker.held import Clock

log = logging.getLogger("hirehall.worker")

COMPLAIN_SECONDS = 10.0  # between the first two; twice as long each time
COMPLAIN_SECONDS_MOST = 600.0


class Complaints:
    """About one absence after the other."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.over()

    def over(self) -> None:
        """It is there."""
        self._at, self._every = float("-inf"), COMPLAIN_SECONDS

    def say(self, why: HallError) -> None:
        """Another attempt to connect has failed."""
        now = self._clock.time()
        if now < self._at:
            return
        log.warning("%s; trying again", why)
        self._at = now + self._every
        self._every = min(2 * self._every, COMPLAIN_SECONDS_MOST)
