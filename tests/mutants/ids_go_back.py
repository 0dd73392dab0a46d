"""G25: ids follow the wall clock: when it is set back, one that is taken is given out again."""

from __future__ import annotations

from typing import Any

from hirehall.core import intake
from tests.mutants import Replace

CATCHERS = ("tests/core/test_intake.py::test_ids_grow_even_when_the_clock_goes_back",)


def plant(replace: Replace) -> None:
    def take(ids: Any, wall_ms: int) -> int:
        first = intake.first_id(wall_ms, ids._database)
        ids.last = ids.last + 1 if first <= ids.last < first + intake.COUNTER_MASK else first
        return int(ids.last)

    replace(intake.Ids, "take", take)
