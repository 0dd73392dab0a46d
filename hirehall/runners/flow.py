"""How fast a line of calls moves, and how much of it would not begin soon."""

from __future__ import annotations

LOOK_BACK_SECONDS = 0.02  # how long the line is watched before it is judged
HOLD_SECONDS = 0.05  # how long a call may stand in it
LATE_SECONDS = 0.005  # a look that comes so late tells about the machine, not about the line,
STILL_SECONDS = 0.06  # unless nothing has moved for so long,
MOST_LATE = 4  # or so many were late before: then it is the calls that keep the machine busy


class Flow:
    """Watches one line while every place is taken."""

    def __init__(self) -> None:
        self._since: float | None = None  # monotonic seconds: the watch began
        self._moved_at = 0.0
        self._taken = 0
        self._late = 0  # looks since the line was judged

    def over(self) -> None:
        """Nobody stands in it, or somebody is on his way to those who do."""
        self._since, self._late = None, 0

    def too_many(self, now: float, late: float, taken: int, waiting: int) -> int:
        """How many of those `waiting` would stand too long: `taken` were taken from the line, ever; `late` is how much
        later than it should this look comes, in seconds."""
        if self._since is None:
            self._moved_at = now
            return self._watch(now, taken)
        moved, watched = taken - self._taken, now - self._since
        if moved:
            self._moved_at = now
        if late > LATE_SECONDS and now - self._moved_at < STILL_SECONDS and self._late < MOST_LATE:
            self._late += 1
            return self._watch(now, taken)
        if watched < LOOK_BACK_SECONDS:
            return 0
        self._late = 0
        self._watch(now, taken)
        return max(waiting - int(moved * HOLD_SECONDS / watched), 0)

    def _watch(self, now: float, taken: int) -> int:
        """From now on; nothing is known yet."""
        self._since, self._taken = now, taken
        return 0
