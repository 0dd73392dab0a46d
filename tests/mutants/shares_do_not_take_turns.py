"""G14: the share that came first is served until it has nothing left."""

from __future__ import annotations

from hirehall.core.lanes import Turns
from tests.mutants import Replace

CATCHERS = ("tests/core/test_turns.py::test_shares_take_turns_and_so_do_the_lanes_of_one_share",)


def plant(replace: Replace) -> None:
    replace(Turns, "take", Turns.peek)
