"""One heap for everything that is timed and in hand."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator

Action = Callable[[], None]


class Timers:
    """Actions with a due time in monotonic seconds. There is no removing: an action looks whether it still matters."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Action]] = []
        self._count = 0

    def add(self, due: float, action: Action) -> None:
        """Call `action` at the first tick at or after `due`."""
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, action))

    def due(self, now: float) -> Iterator[Action]:
        """Take out, in order, everything due at `now`; what the actions add for `now` or before comes along."""
        while self._heap and self._heap[0][0] <= now:
            yield heapq.heappop(self._heap)[2]

    def next(self) -> float | None:
        """When the earliest action is due, None for an empty heap."""
        return self._heap[0][0] if self._heap else None
