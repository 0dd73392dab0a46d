"""G29: whoever has begun a line may leave it at that."""

from __future__ import annotations

from hirehall.doors.connection import LineConnection
from tests.mutants import Replace

CATCHERS = ("tests/doors/test_room.py::test_a_line_that_does_not_go_on_ends_its_connection_and_no_other",)


def plant(replace: Replace) -> None:
    replace(LineConnection, "line_is_late", lambda connection: None)
