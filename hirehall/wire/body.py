"""What every door admits as a payload or a result: valid UTF-8 JSON that any other parser can read too."""

from __future__ import annotations

import re

import msgspec
from msgspec import Raw

from hirehall.errors import BadRequest

MAX_DEPTH = 64
_SURROGATE = re.compile(rb"\\u[dD][89abABcdefCDEF]")
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_BRACKET = re.compile(rb"[\[\]{}]")


def check_text(data: bytes) -> None:
    """Raise BadRequest unless `data` is UTF-8 whose escapes hold no lone surrogates; syntax is checked elsewhere."""
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as exc:
            raise BadRequest(f"this is not UTF-8 (byte {exc.start})") from None
    if b"\\u" in data and _SURROGATE.search(data):
        try:
            msgspec.json.decode(data)
        except (msgspec.DecodeError, RecursionError):
            raise BadRequest(
                "a \\u escape is half of a surrogate pair: write both halves, or the character itself"
            ) from None


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
