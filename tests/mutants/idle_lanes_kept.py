"""G33: lanes without jobs stay in memory for ever."""

from __future__ import annotations

from hirehall.core.lanes import Hallway
from tests.mutants import Replace

CATCHERS = ("tests/core/test_turns.py::test_lanes_without_jobs_are_forgotten_but_not_those_with_a_promise",)


def plant(replace: Replace) -> None:
    replace(Hallway, "forget_idle_lanes", lambda hallway, keep: None)
