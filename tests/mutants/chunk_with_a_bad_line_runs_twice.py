"""G27: commands that came together with a bad line run twice."""

from __future__ import annotations

from typing import Any

from hirehall.service.hall import Hall
from hirehall.wire.codec import BadLine
from tests.mutants import Replace

CATCHERS = ("fuzzer",)


def plant(replace: Replace) -> None:
    original = Hall.received

    def received(hall: Hall, session: Any, messages: list[Any]) -> None:
        original(hall, session, messages)
        if len(messages) > 1 and any(type(message) is BadLine for message in messages):
            original(hall, session, [message for message in messages if type(message) is not BadLine])

    replace(Hall, "received", received)
