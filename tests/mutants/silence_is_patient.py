"""G29: whoever connects from elsewhere and says nothing may stay."""

from __future__ import annotations

from hirehall.doors.remote import RemoteConnection
from tests.mutants import Replace

CATCHERS = ("tests/doors/test_remote.py::test_who_says_nothing_is_sent_away",)


def plant(replace: Replace) -> None:
    replace(RemoteConnection, "_out_of_time", lambda connection: None)
