"""Beats, and the fence: what to do when the hall may have given our jobs to somebody else.

The hall counts a lease from when it hears a beat, we count from when we sent it, which is earlier. So when
lease - 10 % have passed since the send time of the last beat that was answered, every job in hand is stopped
before the hall can hand it out again, as long as both clocks run equally fast to one part in ten.
"""

from __future__ import annotations

from collections.abc import Callable

from hirehall.worker.held import Clock, Timer

SAFE_PART = 0.9  # of the lease


class Beats:
    """Sends beats while connected, and calls `fence` when none was answered for too long."""

    def __init__(
        self, clock: Clock, lease_seconds: float, send: Callable[[float], None], fence: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._lease = lease_seconds
        self._send = send
        self._fence = fence
        self._every = lease_seconds / 3
        self._confirmed = self._opened = clock.time()
        self._beat: Timer | None = None
        self._limit: Timer | None = None

    @property
    def deadline(self) -> float:
        """Until when jobs in hand are surely ours."""
        return self._confirmed + self._lease * SAFE_PART

    def lease_is(self, seconds: float) -> None:
        """A job came with this lease: the shortest one counts."""
        if seconds < self._lease:
            self._lease = seconds
            self._every = min(self._every, seconds / 3)
            self._arm()

    def start(self, every_seconds: float) -> None:
        """Connected: beat this often, or three times a lease if that is more often."""
        self._every = min(every_seconds, self._lease / 3)
        self.pause()
        self._opened = self._clock.time()
        self._beat = self._clock.call_at(self._opened + self._every, self._tick)

    def pause(self) -> None:
        """Not connected: no beats, but the fence stands."""
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def stop(self) -> None:
        """No more of either."""
        self.pause()
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None

    def confirmed(self, sent_at: float) -> None:
        """The hall has answered what was sent at `sent_at`: it knew then that we were alive."""
        self._confirmed = max(self._confirmed, sent_at)
        if self._limit is None:
            self._arm()

    def _arm(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._limit = self._clock.call_at(self.deadline, self._check)

    def _tick(self) -> None:
        now = self._clock.time()
        self._beat = self._clock.call_at(now + self._every, self._tick)
        if now - max(self._confirmed, self._opened) > self._lease * SAFE_PART:
            self._fence()  # silent since it was opened, and the fence itself has fallen before
        else:
            self._send(now)

    def _check(self) -> None:
        """The timer runs to the deadline as it was; beats have moved it since, unless nobody answered."""
        self._limit = None
        if self._clock.time() >= self.deadline:
            self._fence()
        else:
            self._arm()
