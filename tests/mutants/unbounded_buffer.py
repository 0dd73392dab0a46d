"""G28: whoever does not read is written to and read from as if it did: what it hears piles up in memory."""

from __future__ import annotations

from hirehall.doors.connection import LineConnection
from tests.mutants import Replace

CATCHERS = ("tests/service/test_watch.py::test_a_watcher_that_does_not_read_gets_a_gap_and_keeps_its_connection",)


def plant(replace: Replace) -> None:
    replace(LineConnection, "pause_writing", lambda connection: None)
    replace(LineConnection, "resume_writing", lambda connection: None)
