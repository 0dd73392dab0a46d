"""G27: the beginning of a line that came behind several whole ones is forgotten."""

from __future__ import annotations

from typing import Any

from hirehall.wire import codec
from tests.mutants import Replace

CATCHERS = ("fuzzer",)


def plant(replace: Replace) -> None:
    original = codec.LineReader.feed

    def feed(reader: codec.LineReader, data: bytes) -> list[Any]:
        got = original(reader, data)
        if len(got) > 3:
            reader._begun = []
        return got

    replace(codec.LineReader, "feed", feed)
