"""G28: whoever has left a lot unread is written to for as long as there is something to say."""

from __future__ import annotations

from typing import Any

from hirehall.doors.connection import LineConnection
from tests.mutants import Replace

CATCHERS = ("tests/service/test_floods.py::test_who_leaves_too_much_unread_is_dropped",)


def plant(replace: Replace) -> None:
    def send(connection: Any, data: bytes) -> None:
        if connection._transport is not None and not connection._transport.is_closing():
            connection._transport.write(data)

    replace(LineConnection, "send", send)
