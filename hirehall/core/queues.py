"""What is set on a queue, and how many more of its jobs may start now."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from hirehall.core.checks import check_attempts, check_backoff, check_seconds
from hirehall.errors import BadRequest, Busy, QueueClosed
from hirehall.model import DEFAULT_SETTINGS, QueueSettings

if TYPE_CHECKING:
    from hirehall.core.lanes import Lane

OPEN, PAUSED, DRAINED, DOWN = "open", "paused", "drained", "down"
QUEUE_STATES = (OPEN, PAUSED, DRAINED, DOWN)
MAX_LIMIT = 1 << 31
SLOWEST_PER_SECOND = 1 / 86_400

ROUNDING = 1e-9  # of a token: what sums of seconds lack at the moment that was computed for it


class QueueLine:
    """One queue in hand: its settings, its lanes, and whether its jobs may start.

    `wanted` is what the last command asked for; it becomes `settings` when it is durable. `room` is how many more jobs
    may start in this batch, None for a queue without limits.
    """

    __slots__ = ("alarm_at", "held", "lanes", "name", "refilled_at", "room", "settings", "tokens", "wanted")

    def __init__(self, name: str, settings: QueueSettings = DEFAULT_SETTINGS) -> None:
        self.name = name
        self.lanes: dict[Lane, None] = {}  # in the order in which they came
        self.wanted = self.settings = settings
        self.room: int | None = None if _is_free(settings) else 0
        self.held = not self.hands_out
        self.tokens = 1.0  # starts that the rate allows now
        self.refilled_at = -math.inf  # monotonic seconds
        self.alarm_at = -math.inf  # when its rate will be looked at again

    @property
    def hands_out(self) -> bool:
        """Whether its jobs may start at all."""
        return self.settings.state in (OPEN, DRAINED)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is lost when it is forgotten: it has no lanes, and nothing is set on it, or was until what
        is wanted is durable."""
        return not self.lanes and self.wanted == self.settings == DEFAULT_SETTINGS

    @property
    def ready(self) -> int:
        """Its ready jobs."""
        return sum(lane.waiting for lane in self.lanes)

    @property
    def waiting_room(self) -> int:
        """How many more jobs may wait in it; below 0 when a limit was lowered, or more came back."""
        return MAX_LIMIT if self.settings.max_waiting is None else self.settings.max_waiting - self.ready

    def set(self, settings: QueueSettings) -> None:
        """These settings are durable and count from now on."""
        self.settings = settings
        self.alarm_at = -math.inf  # of the old rate
        self.room = None if _is_free(settings) else 0

    def measure(self, running: int, now: float) -> None:
        """How many more jobs may start, with `running` of them in hand at `now` (monotonic seconds)."""
        room = MAX_LIMIT if self.hands_out else 0
        if self.settings.max_running is not None:
            room = min(room, self.settings.max_running - running)
        if self.settings.max_per_second is not None:
            rate = self.settings.max_per_second
            self.tokens = min(max(rate, 1.0), self.tokens + rate * (now - self.refilled_at))
            self.refilled_at = now
            room = min(room, math.floor(self.tokens + ROUNDING))
        self.room = max(room, 0)  # more may be running than a limit that was lowered allows

    def start(self) -> None:
        """One of its jobs starts."""
        if self.room is not None:
            self.room -= 1
            self.held = self.room <= 0
            if self.settings.max_per_second is not None:
                self.tokens -= 1

    def take_back(self, jobs: int) -> None:
        """So many starts found no job."""
        if self.settings.max_per_second is not None:
            self.tokens += jobs

    @property
    def next_token_seconds(self) -> float | None:
        """When the rate allows another start; None when something else holds the queue, or nothing."""
        rate = self.settings.max_per_second
        if rate is None or not self.hands_out or self.tokens + ROUNDING >= 1.0:
            return None
        return (1.0 - self.tokens) / rate

    def check_open(self, jobs: int) -> None:
        """Raise QueueClosed or Busy when the queue does not take `jobs` more."""
        if self.settings.state in (DRAINED, DOWN):
            raise QueueClosed(
                f"queue {self.name} is {self.settings.state} and takes no jobs: `resume` opens it, or use another queue"
            )
        limit = self.settings.max_waiting
        if limit is not None and self.ready + jobs > limit:
            raise Busy(f"queue {self.name} takes at most {limit} waiting jobs and has {self.ready}: try again later")


def paused(state: str) -> str:
    """What `pause` makes of this state."""
    return DOWN if state in (DRAINED, DOWN) else PAUSED


def drained(state: str) -> str:
    """What `drain` makes of this state."""
    return DOWN if state in (PAUSED, DOWN) else DRAINED


def _is_free(settings: QueueSettings) -> bool:
    return settings.max_running is None and settings.max_per_second is None and settings.state in (OPEN, DRAINED)


def check_settings(settings: QueueSettings) -> None:
    """Raise BadRequest naming the setting that cannot be."""
    if settings.state not in QUEUE_STATES:
        raise BadRequest(f"there is no queue state {settings.state[:40]!r}: use one of {', '.join(QUEUE_STATES)}")
    for name, least in (("max_running", 0), ("max_waiting", 0), ("lock_limit", 1)):
        value = getattr(settings, name)
        if value is not None and not least <= value <= MAX_LIMIT:
            raise BadRequest(f"{name} is {value}: give {least} to {MAX_LIMIT}, or null for the default")
    rate = settings.max_per_second
    if rate is not None and not SLOWEST_PER_SECOND <= rate <= MAX_LIMIT:
        raise BadRequest(f"max_per_second is {rate}: give at least one a day (0.0000116), or null for no limit")
    check_attempts(settings.max_attempts)
    check_backoff(settings.backoff)
    check_seconds("keep_seconds", settings.keep_seconds)
