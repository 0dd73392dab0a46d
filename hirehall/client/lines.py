"""What comes from a hall: bytes into lines, a line into one struct.

A struct holds what clients and workers act on at high rates. Everything else in a reply is read by whoever
asked, from the line itself: so a field that this version does not know is no error.
"""

from __future__ import annotations

import msgspec
from msgspec import Struct

from hirehall.client.outcomes import UNREADABLE, Broken
from hirehall.wire.replies import Delivery, Ended, ErrorBody, Stop, WorkerSetting

# A request is at most 1 MiB, an answer may carry many jobs. Above this the peer is no hall.
MAX_LINE = 64 << 20


class Named(Struct, gc=False):
    """Whom a push about one thing is for."""

    id: str = ""


class Line(Struct, gc=False):
    """A reply (it has a `ref`) or a push."""

    ref: int | None = None
    id: str = ""
    state: str = ""
    duplicate: bool = False
    error: ErrorBody | None = None
    run: list[Delivery] | None = None
    end: list[Ended] | None = None
    stop: Stop | None = None
    set: WorkerSetting | None = None
    event: str | None = None
    log: Named | None = None
    task: Named | None = None


class Envelope(Struct, gc=False):
    """Only what matching needs, for a reply whose other fields mean something else than in Line."""

    ref: int | None = None
    error: ErrorBody | None = None


_line = msgspec.json.Decoder(Line).decode
_envelope = msgspec.json.Decoder(Envelope).decode


def read_line(raw: bytes) -> Line:
    """The line as a struct. Raises Broken for what is neither a reply nor a push."""
    try:
        return _line(raw)
    except msgspec.ValidationError as why:
        return _read_envelope(raw, why)
    except UNREADABLE as why:
        raise Broken(f"the hall sent a line that is not JSON: {_shown(raw)}") from why


def _read_envelope(raw: bytes, why: Exception) -> Line:
    try:
        seen = _envelope(raw)
    except UNREADABLE:
        seen = Envelope()
    if seen.ref is None and seen.error is None:
        raise Broken(f"the hall sent a line that is neither a reply nor a push ({why}): {_shown(raw)}") from why
    return Line(ref=seen.ref, error=seen.error)


def _shown(raw: bytes) -> str:
    return repr(raw[:80])


class LineBuffer:
    """Bytes as they arrive -> whole lines without their ends, however the bytes are cut."""

    __slots__ = ("_limit", "_parts", "_size")

    def __init__(self, limit: int = MAX_LINE) -> None:
        self._limit = limit
        self._parts: list[bytes] = []  # of the line that has no end yet; joined once, so long lines cost no copies
        self._size = 0

    def feed(self, data: bytes) -> list[bytes]:
        """The lines that are complete now. Raises Broken when a line passes the limit."""
        lines = data.split(b"\n")
        rest = lines.pop()
        if lines and self._parts:
            lines[0] = b"".join((*self._parts, lines[0]))
            self._parts.clear()
            self._size = 0
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
            self._check()
        return lines

    def _check(self) -> None:
        if self._size > self._limit:
            self._parts.clear()
            raise Broken(f"the hall sent a line longer than {self._limit} bytes")
