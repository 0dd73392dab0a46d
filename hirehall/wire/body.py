"""What every door admits as a payload or a result: valid UTF-8 JSON that any other parser can read too."""

from __future__ import annotations

import math
import re

import msgspec
from msgspec import Raw, Struct

from hirehall.errors import BadRequest

MAX_DEPTH = 64
SHORTEST_FAR = 5  # bytes: 1e999
_SURROGATE = re.compile(rb"\\u[dD][89abABcdefCDEF]")
_ESCAPE = re.compile(rb"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)
PLAIN = (str, bytes, int, float, Raw, type(None))
_FAR_NUMBER = re.compile(rb"[0-9][eE][+]?[0-9]{3}|[0-9]{300}")
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


def check_body(what: str, body: Raw) -> None:
    """Raise BadRequest when `body`, valid JSON, is nested deeper than 64 or holds a number that others cannot read."""
    if len(body) < SHORTEST_FAR:
        return
    data = bytes(body)
    if _FAR_NUMBER.search(data):
        _check_numbers(what, data)
    if len(data) > MAX_DEPTH and data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise BadRequest(f"the {what} is nested deeper than {MAX_DEPTH}: send it as text, or as a file")


def encode_body(value: object) -> bytes:
    """`value` as JSON; raise ValueError for NaN and infinities, which JSON does not know and encoders write as null."""
    data = msgspec.json.encode(value)
    if b"null" in data and _has_strange_number(value):
        raise ValueError("NaN and infinite numbers cannot be written as JSON")
    return data


def _has_strange_number(value: object) -> bool:
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, float) and not math.isfinite(item):
            return True
        if isinstance(item, dict):
            stack += [*item.keys(), *item.values()]
        elif isinstance(item, list | tuple | set | frozenset):
            stack += item
        elif isinstance(item, Struct):
            stack += msgspec.structs.astuple(item)
        elif not isinstance(item, PLAIN):
            stack.append(msgspec.to_builtins(item))
    return False


def _check_numbers(what: str, data: bytes) -> None:
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, RecursionError):
        raise BadRequest(f"the {what} holds a number that is out of range: send it as text") from None


def _depth(body: bytes) -> int:
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub(b"", body)):
        depth += 1 if bracket in b"[{" else -1
        deepest = max(deepest, depth)
    return deepest
