"""What every door admits as a payload or a result: valid UTF-8 JSON that any other parser can read too."""

from __future__ import annotations

import math
import re
from itertools import accumulate

import msgspec
from msgspec import Raw, Struct

from hirehall.errors import BadRequest

MAX_DEPTH = 64
MAX_DIGITS = 4_300  # of an integer: what Python reads
SHORTEST_FAR = 5  # bytes: 1e999
_SURROGATE = re.compile(rb"\\u[dD][89abABcdefCDEF]")
# All of a text whose escapes of surrogates come in whole pairs. Nothing here is tried twice at the same place: what a
# stranger sends takes time in proportion to its length.
_WHOLE_PAIRS = re.compile(
    rb"(?:[^\\]++"
    rb"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|\\(?!u[dD][89a-fA-F][0-9a-fA-F]{2}).?)*+",
    re.DOTALL,
)
PLAIN = (str, bytes, int, float, Raw, type(None))
# Numbers that may be out of range: an exponent of three digits, or so many that one of two will do. Only where a number
# begins.
_FAR_NUMBER = re.compile(
    rb"[0-9](?<![0-9.][0-9])(?:[0-9]{209,}+(?:\.[0-9]++)?(?:[eE][+-]?[0-9]++)?"
    rb"|[0-9]*+(?:\.[0-9]++)?[eE]\+?[0-9]{3,}+)"
)
_DIGITS = bytes.maketrans(b"123456789E", b"000000000e")
_MANY_DIGITS = b"0" * 209
_STRING = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)  # to the end where it does not end: looked at once
_STEPS = bytes({ord("["): 1, ord("{"): 1, ord("]"): 255, ord("}"): 255}.get(byte, 0) for byte in range(256))  # 255: -1
_NO_BRACKETS = bytes(byte for byte in range(256) if byte not in b"[]{}")


def check_text(data: bytes) -> None:
    """Raise BadRequest unless `data` is UTF-8 whose escapes hold no lone surrogates; syntax is checked elsewhere."""
    if not data.isascii():
        try:
            data.decode()
        except UnicodeDecodeError as exc:
            raise BadRequest(f"this is not UTF-8 (byte {exc.start})") from None
    if b"\\u" in data and _SURROGATE.search(data) and not _WHOLE_PAIRS.fullmatch(data):
        raise BadRequest("a \\u escape is half of a surrogate pair: write both halves, or the character itself")


def without_strings(data: bytes) -> bytes:
    """`data`, JSON, with nothing where its strings were."""
    return _STRING.sub(b"", data)


def check_body(what: str, body: Raw) -> None:
    """Raise BadRequest when `body`, valid JSON, is nested deeper than 64 or holds a number that others cannot read."""
    if len(body) < SHORTEST_FAR:
        return
    data = bytes(body)
    if _may_be_far(data) and _FAR_NUMBER.search(data):
        _check_numbers(what, data)
    _check_depth(what, data)


def _check_depth(what: str, data: bytes) -> None:
    if len(data) > MAX_DEPTH and data.count(b"[") + data.count(b"{") > MAX_DEPTH and _depth(data) > MAX_DEPTH:
        raise BadRequest(f"the {what} is nested deeper than {MAX_DEPTH}: send it as text, or as a file")


def check_bodies(what: str, bodies: list[Raw]) -> None:
    """`check_body` for each of these, most of which are looked at together."""
    data = b" ".join(bodies)
    if _may_be_far(data):
        for body in bodies:
            check_body(what, body)
    elif data.count(b"[") + data.count(b"{") > MAX_DEPTH:
        for body in bodies:
            _check_depth(what, bytes(body))


def _may_be_far(data: bytes) -> bool:
    """A cheap look: whether any number in `data` may be one of `_FAR_NUMBER`."""
    digits = data.translate(_DIGITS)
    return b"000" in digits and (b"e000" in digits or b"e+000" in digits or _MANY_DIGITS in digits)


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
    """By Python's own reading: msgspec needs 8 us for a number like 1e299, of which a line has room for many."""
    for number in _FAR_NUMBER.findall(without_strings(data)):
        if (len(number) > MAX_DIGITS and number.isdigit()) or (not number.isdigit() and float(number) == math.inf):
            raise BadRequest(f"the {what} holds a number that is out of range: send it as text")


def _depth(body: bytes) -> int:
    steps = without_strings(body).translate(_STEPS, _NO_BRACKETS)
    return max(accumulate(memoryview(steps).cast("b")), default=0)
