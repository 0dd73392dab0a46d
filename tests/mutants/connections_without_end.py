"""G30: whoever connects is let in, however many there are."""

from __future__ import annotations

import sys
from typing import Any

from hirehall.doors.places import Places
from tests.mutants import Replace

CATCHERS = ("tests/doors/test_room.py::test_there_are_as_many_places_as_were_said",)


def plant(replace: Replace) -> None:
    original = Places.take

    def take(places: Any, stranger: str | None = None) -> Any:
        most, places.most = places.most, sys.maxsize
        try:
            return original(places, stranger)
        finally:
            places.most = most

    replace(Places, "take", take)
