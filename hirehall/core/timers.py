"""One heap for everything that is timed and in hand."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

Action = Callable[[], None]
FEW = 64  # cancelled entries that are not worth a clean-up


class Timer:
    """One entry of the heap, until it was due or cancelled."""

    __slots__ = ("_timers", "action")

    def __init__(self, timers: Timers, action: Action) -> None:
        self._timers = timers
        self.action: Action | None = action

    def cancel(self) -> None:
        """Forget the action; doing it twice, or too late, changes nothing."""
        if self.action is not None:
            self.action = None
            self._timers.one_cancelled()


class Timers:
    """Actions with a due time in monotonic seconds."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._count = 0
        self._cancelled = 0

    def add(self, due: float, action: Action) -> Timer:
        """Call `action` at the first tick at or after `due`."""
        timer = Timer(self, action)
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, timer))
        return timer

    def one_cancelled(self) -> None:
        """Entries that nobody waits for are thrown out when they are the half of the heap."""
        self._cancelled += 1
        if self._cancelled > FEW and self._cancelled > len(self._heap) // 2:
            self._heap = [entry for entry in self._heap if entry[2].action is not None]
            heapq.heapify(self._heap)
            self._cancelled = 0

    def due(self, now: float) -> Iterator[Action]:
        """Take out, in order, everything due at `now`; what the actions add for `now` or before comes along."""
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            action, timer.action = timer.action, None
            if action is None:
                self._cancelled -= 1
            else:
                yield action

    def next(self) -> float | None:
        """When the earliest entry is due, None for an empty heap."""
        return self._heap[0][0] if self._heap else None

    def __len__(self) -> int:
        return len(self._heap)
