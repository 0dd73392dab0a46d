"""G20: nothing is kept for a full disk: results cannot be stored any more, and the hall stops."""

from __future__ import annotations

from hirehall.stores.room import Room
from tests.mutants import Replace

FILE = "tests/stores/test_full.py"
CATCHERS = (f"{FILE}::test_the_other_operations_of_the_batch_that_met_it_are_carried_out_once",)


def plant(replace: Replace) -> None:
    replace(Room, "make", lambda room: False)
