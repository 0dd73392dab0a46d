"""G29, G30: those who have not said hello may take all the places there are."""

from __future__ import annotations

from typing import Any

from hirehall.doors.places import Places
from tests.mutants import Replace

CATCHERS = ("tests/doors/test_room.py::test_all_addresses_together_have_only_so_many_connections_without_hello",)


def plant(replace: Replace) -> None:
    original = Places.take

    def take(places: Any, stranger: str | None = None) -> Any:
        return original(places, None)

    replace(Places, "take", take)
