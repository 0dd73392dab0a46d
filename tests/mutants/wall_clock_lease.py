"""G25: leases are counted by the wall clock: set back, it makes them hang; set forward, it ends them."""

from __future__ import annotations

from typing import Any

from hirehall.model import Instant
from hirehall.service.hall import Hall
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = Hall.__init__

    def begin(hall: Hall, store: Any, tokens: Any, anonymous: Any, clock: Any, roll: Any) -> None:
        first = clock()

        def by_the_wall() -> Instant:
            now = clock()
            return Instant(first.mono + (now.wall_ms - first.wall_ms) / 1000, now.wall_ms)

        original(hall, store, tokens, anonymous, by_the_wall, roll)

    replace(Hall, "__init__", begin)
