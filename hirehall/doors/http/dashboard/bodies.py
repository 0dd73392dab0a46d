"""Payloads, results and errors as a page shows them: laid out, and never more than a page can bear."""

from __future__ import annotations

import re

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

MAX_LAID_OUT = 64 << 10  # bytes of JSON; a longer one is shown as it came
MAX_SHOWN = 32 << 10  # characters
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_NESTING = re.compile(rb"[\[\]{},]")


class Body(Struct):
    """JSON for people. `is_short`: there is more of it than is shown."""

    text: str
    bytes: int
    is_short: bool = False


def body(raw: Raw | UnsetType) -> Body | None:
    """What a payload or result looks like, None for one that is null or left out."""
    data = b"null" if raw is UNSET else bytes(raw)
    if data == b"null":
        return None
    text = _laid_out(data).decode("utf-8", "replace")
    return Body(text[:MAX_SHOWN], len(data), len(text) > MAX_SHOWN)


def _laid_out(data: bytes) -> bytes:
    if len(data) > MAX_LAID_OUT or _indented_bytes(data) > 4 * MAX_LAID_OUT:
        return data[: 4 * MAX_SHOWN]
    try:
        return msgspec.json.format(data, indent=2)
    except (msgspec.MsgspecError, RecursionError):
        return data


def _indented_bytes(data: bytes) -> int:
    """How much room the lines' beginnings would take: what is nested deeply grows with its square."""
    depth = total = 0
    for found in _NESTING.finditer(_STRING.sub(b"", data)):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(found[0], 0)
        total += 2 * depth
    return total
