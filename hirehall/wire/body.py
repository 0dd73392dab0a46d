"""What every door admits as a payload or a result: valid UTF-8 JSON that any other parser can read too."""

from __future__ import annotations

import re

from msgspec import Raw

from hirehall.errors import BadRequest

MAX_DEPTH = 64
_SURROGATE = re.compile(rb"\\u[dD][89abABcdefCDEF]")
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(rb"[\[\]{}]")


def check_text(data: bytes) -> None:
    """Raise BadRequest unless `data` is UTF-8 whose escapes hold no lone surrogates; syntax is checked elsewhere."""
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as exc:
            raise BadRequest(f"this is not UTF-8 (byte {exc.start})") from None
    if b"\\u" in data and _SURROGATE.search(data) and _has_half_pair(data):
        raise BadRequest("a \\u escape is half of a surrogate pair: write both halves, or the character itself")


def _has_half_pair(data: bytes) -> bool:
    """Whether some \\u escape of a high surrogate is not followed at once by a low one, or a low one stands alone."""
    high_ends_at = -1
    for escape in _ESCAPE.finditer(data):
        unit = int(escape[1], 16) if escape[1] else 0
        is_low = 0xDC00 <= unit < 0xE000
        if is_low != (escape.start() == high_ends_at):
            return True
        high_ends_at = escape.end() if 0xD800 <= unit < 0xDC00 else -1
        if high_ends_at >= 0 and data[high_ends_at : high_ends_at + 2] != b"\\u":
            return True
    return False


def check_depth(what: str, body: Raw) -> None:
    """Raise BadRequest when `body`, valid JSON, is nested deeper than 64."""
    if len(body) <= MAX_DEPTH:
        return
    data = bytes(body)
    if data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise BadRequest(f"the {what} is nested deeper than {MAX_DEPTH}: send it as text, or as a file")


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
