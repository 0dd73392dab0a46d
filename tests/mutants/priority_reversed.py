"""G14: the smallest priority goes first."""

from __future__ import annotations

from bisect import insort

from hirehall.core import lanes
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(lanes, "insort", lambda levels, level: insort(levels, level, key=lambda one: -one))
