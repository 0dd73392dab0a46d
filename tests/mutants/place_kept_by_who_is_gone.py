"""G30: a connection that has ended still counts: after enough of them nobody is let in any more."""

from __future__ import annotations

from hirehall.doors.places import Place
from tests.mutants import Replace

CATCHERS = ("tests/doors/test_room.py::test_a_place_is_left_once",)


def plant(replace: Replace) -> None:
    replace(Place, "leave", lambda place: None)
