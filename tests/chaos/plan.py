"""What happens, and when: drawn from one seed, so that a run can be had again.

When is a share of the jobs that have ended: a slow machine takes longer, and the same things happen to it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import NamedTuple

KILLS = {  # what is a SIGKILL, of how many processes, and how often it is drawn
    "kill hall": (1, 30),
    "kill hall and worker": (2, 6),
    "kill worker": (1, 24),
    "kill client": (1, 10),
    "kill child": (1, 6),
    "remove socket": (1, 4),  # and later the hall, which makes it anew
}
OTHERS = {
    "freeze worker": 14,
    "freeze hall": 4,
    "freeze client": 4,
    "stop hall": 6,  # SIGTERM, and started again
    "stop worker": 8,
    "stop client": 4,
}
WEIGHTS = {**{what: weight for what, (_, weight) in KILLS.items()}, **OTHERS}
LAST_SHARE = 0.92  # what comes later would meet nobody
SHORTEST_FREEZE = 1.0  # seconds


class Fault(NamedTuple):
    """`whom` is a number from 0 to 1: which of those that there are. `seconds` is for what lasts."""

    share: float
    what: str
    whom: float
    seconds: float


def draw(seed: int | str, kills: int, longest_freeze: float) -> list[Fault]:
    """At least this many SIGKILLs, and everything at least once if there are as many as kinds of them."""
    roll = random.Random(f"chaos {seed}")
    whats = list(_kinds(roll, kills))
    shares = sorted(roll.uniform(0.02, LAST_SHARE) for _ in whats)
    lasts = [roll.uniform(SHORTEST_FREEZE, longest_freeze) for _ in whats]
    return [Fault(share, what, roll.random(), last) for share, what, last in zip(shares, whats, lasts, strict=True)]


def halls_only(seed: int | str, kills: int) -> list[Fault]:
    """Nothing but kill -9 of the hall."""
    roll = random.Random(f"calm {seed}")
    return [Fault(share, "kill hall", 0, 0) for share in sorted(roll.uniform(0.02, LAST_SHARE) for _ in range(kills))]


def _kinds(roll: random.Random, kills: int) -> Iterator[str]:
    first = list(WEIGHTS)
    roll.shuffle(first)
    left = kills
    while left > 0:
        what = first.pop() if first and kills >= len(WEIGHTS) else roll.choices([*WEIGHTS], [*WEIGHTS.values()])[0]
        left -= KILLS.get(what, (0, 0))[0]
        yield what
