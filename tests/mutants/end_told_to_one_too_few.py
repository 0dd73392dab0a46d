"""G6: of those who follow jobs that end in one commit the first is not told."""

from __future__ import annotations

from typing import Any

from hirehall.service import pushes
from tests.mutants import Replace

CATCHERS = ("tales", "simulation")


def plant(replace: Replace) -> None:
    original = pushes._ends

    def ends(hall: Any, over: list[Any], told: Any) -> None:
        original(hall, over[1:], told)

    replace(pushes, "_ends", ends)
