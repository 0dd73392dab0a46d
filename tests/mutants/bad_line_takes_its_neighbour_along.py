"""G27: a bad line makes the one behind it vanish."""

from __future__ import annotations

from typing import Any

from hirehall.wire import codec
from tests.mutants import Replace

CATCHERS = ("fuzzer",)


def plant(replace: Replace) -> None:
    original = codec.decode_lines

    def decode_lines(lines: list[bytes]) -> list[Any]:
        got = original(lines)
        bad = any(type(message) is codec.BadLine for message in got)
        return got[:-1] if bad and len(got) > 2 else got

    replace(codec, "decode_lines", decode_lines)
