"""How long to wait before connecting again: full jitter, so that a thousand clients do not come back at
once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

FIRST_SECONDS = 0.1
MOST_SECONDS = 5.0


def full_jitter(
    chance: Callable[[], float] | None = None, first: float = FIRST_SECONDS, most: float = MOST_SECONDS
) -> Iterator[float]:
    """Seconds to wait before each attempt: anything from 0 to a bound that doubles from `first` up to
    `most`."""
    from random import random  # noqa: PLC0415 - a client that need not connect again has no use for it

    bound = first
    while True:
        yield (chance or random)() * bound
        bound = min(bound * 2, most)
