"""G26: behind a line that is too long the stream goes on at the next line end, wherever that lies."""

from __future__ import annotations

from typing import Any

from hirehall.doors.connection import LineConnection
from hirehall.wire import codec
from tests.mutants import Replace

CATCHERS = ("tests/wire/test_bad_lines.py::test_what_follows_a_too_long_line_is_dropped",)


def plant(replace: Replace) -> None:
    def after_long(reader: Any, lines: list[bytes]) -> list[Any]:
        short = [line for line in lines if len(line) <= reader._max_message]
        return [*reader._too_long(), *codec.decode_lines(short)]

    replace(codec.LineReader, "_up_to_long", after_long)
    replace(LineConnection, "_usable", lambda connection, messages: (messages, False))
