"""Beats, and the fence: what to do when the hall may have given our jobs to somebody else.

The hall counts a lease from when it hears a beat, we count from when we sent it, which is earlier. So when
lease - 10 % have passed since the send time of the last beat that was answered, every job in hand is stopped
before the hall can hand it out again, as long as both clocks run equally fast to one part in ten.

A hall that saw the connection close gives our jobs away earlier, after its grace. So when ours has closed and we are
not back in half of that, every job is stopped too; unless nobody listens where the hall was: a hall that is gone
gives nothing away, and the next one gives every lease its full time again.
"""

from __future__ import annotations

from collections.abc import Callable

from hirehall.model import GRACE_SECONDS
from hirehall.worker.held import Clock, Timer

SAFE_PART = 0.9  # of the lease
CLOSED_SECONDS = GRACE_SECONDS / 2  # after a close that only one of us may have meant; the rest is for the jobs to end


class Beats:
    """Sends beats while connected; calls `fence` when none was answered for too long, and `give_up` when a closed
    connection has not come back in time."""

    def __init__(
        self,
        clock: Clock,
        lease_seconds: float,
        send: Callable[[float], None],
        fence: Callable[[], None],
        give_up: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._lease = lease_seconds
        self._send = send
        self._fence = fence
        self._give_up = give_up  # the jobs, not the connection: that is being made
        self._every = lease_seconds / 3
        self._confirmed = self._opened = clock.time()
        self._beat: Timer | None = None
        self._limit: Timer | None = None
        self._grace: Timer | None = None

    @property
    def deadline(self) -> float:
        """Until when jobs in hand are surely ours."""
        return self._confirmed + self._lease * SAFE_PART

    @property
    def have_failed(self) -> bool:
        """Whether what is handed to us now may not be ours any more: this machine slept, with the job on its way."""
        return self._clock.time() >= self.deadline

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
        self.hall_is_gone()
        self._opened = self._clock.time()
        self._beat = self._clock.call_at(self._opened + self._every, self._tick)

    def pause(self) -> None:
        """Not connected: no beats, but the fence stands."""
        if self._beat is not None:
            self._beat.cancel()
            self._beat = None

    def closed(self) -> None:
        """The connection has closed, and the hall may have seen it."""
        self.pause()
        if self._grace is None:
            self._grace = self._clock.call_at(self._clock.time() + CLOSED_SECONDS, self._give_up)

    def hall_is_gone(self) -> None:
        """Nobody gives our jobs away for a connection that closed; or it is open again."""
        if self._grace is not None:
            self._grace.cancel()
            self._grace = None

    def stop(self) -> None:
        """No more of any of them."""
        self.pause()
        self.hall_is_gone()
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
