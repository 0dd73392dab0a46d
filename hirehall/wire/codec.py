"""Bytes to messages and back. One line is one message, however the bytes arrive."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from msgspec import Raw, Struct

from hirehall.errors import BadRequest, HallError, TooLarge
from hirehall.model import MAX_MESSAGE, NULL
from hirehall.wire.body import check_text, without_strings
from hirehall.wire.requests import NO_REF, AnyRequest
from hirehall.wire.sentences import sentence

LONG_LINE = 1 << 14  # bytes
MOST_BAD = 1_000  # lines in a row that are no messages; each costs a hall more than its sender
MOST_DEAR = 2_000
_DEAR_NUMBER = re.compile(rb"[eE][+-]?[0-9]{3}")  # like 1e299, for which msgspec needs 8 us
_NO_SCALAR = re.compile(rb'"ref"[ \t]*:[ \t]*[\[{]')

_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(AnyRequest)
encode = msgspec.json.Encoder().encode


class BadLine(Struct):
    """A line that is no message: what to answer, with its `ref` where that could be read."""

    error: HallError
    ref: Raw = NO_REF


Message = Any  # one of AnyRequest, or BadLine


class LineReader:
    """Turns what a stream delivers into messages; keeps the beginning of a line until its end has come."""

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self._max_message = max_message
        self._begun = bytearray()  # a line whose end has not come; not its pieces: those may be single bytes
        self._bad = 0  # lines until now, one behind the other

    @property
    def is_midway(self) -> bool:
        """Whether a line has begun and its end has not come."""
        return bool(self._begun)

    def feed(self, data: bytes) -> list[Message]:
        """The messages whose lines `data` ends. After a TooLarge BadLine, always the last, the stream is useless."""
        head, newline, rest = data.rpartition(b"\n")
        if not newline:
            return self._go_on(rest)
        if self._begun:
            head, self._begun = bytes(self._begun + head), bytearray()
        lines = head.split(b"\n")
        if max(map(len, lines)) > self._max_message:
            return self._up_to_long(lines)
        messages = self._decoded(lines)
        return messages if self._bad > MOST_BAD else messages + self._go_on(rest)

    def _go_on(self, rest: bytes) -> list[Message]:
        self._begun += rest
        return self._too_long() if len(self._begun) > self._max_message else []

    def _up_to_long(self, lines: list[bytes]) -> list[Message]:
        first = next(at for at, line in enumerate(lines) if len(line) > self._max_message)
        messages = self._decoded(lines[:first])
        return messages if self._bad > MOST_BAD else messages + self._too_long()

    def _decoded(self, lines: list[bytes]) -> list[Message]:
        """The messages of whole lines, as far as they are of use."""
        messages: list[Message] = []
        for first in range(0, len(lines), MOST_BAD):
            messages += self._up_to_too_bad(decode_lines(lines[first : first + MOST_BAD]))
            if self._bad > MOST_BAD:
                break
        return messages

    def _up_to_too_bad(self, messages: list[Message]) -> list[Message]:
        if BadLine not in map(type, messages):
            self._bad = 0 if messages else self._bad
            return messages
        for at, message in enumerate(messages):
            self._bad = self._bad + 1 if type(message) is BadLine else 0
            if self._bad > MOST_BAD:
                why = f"{MOST_BAD} lines in a row are no messages: speak JSON lines as docs/protocol.md has them"
                return [*messages[:at], BadLine(TooLarge(why))]
        return messages

    def _too_long(self) -> list[Message]:
        return [
            BadLine(TooLarge(f"a line has more than {self._max_message} bytes: keep it elsewhere and send where it is"))
        ]


def decode_lines(lines: list[bytes]) -> list[Message]:
    """A message or a BadLine for every line that is not blank. Mostly nothing in them asks for a closer look."""
    if max(map(len, lines), default=0) <= LONG_LINE and not _asks_for_a_look(b"\n".join(lines)):
        try:
            return list(map(_decoder.decode, lines))
        except (msgspec.DecodeError, RecursionError):
            pass  # one is no message, or blank
    return [decode_line(line) for line in lines if line and not line.isspace()]


def _asks_for_a_look(data: bytes) -> bool:
    """Whether a line of these may hold what the decoder lets pass."""
    return (
        not data.isascii()
        or (b"\\" in data and b"\\u" in data)  # the first look is much the faster one
        or b"\r" in data
        or _NO_SCALAR.search(data) is not None
    )


def decode_line(line: bytes) -> Message:
    """One line as a message, or as the reason why it is none."""
    try:
        if not line.isascii() or b"\\u" in line:
            check_text(line)
        if len(line) > LONG_LINE:
            _check_dear_numbers(line)
        message = _decoder.decode(line)
        if b"\r" in line.rstrip(b"\r"):  # between tokens, or it would not have decoded
            message = _decoder.decode(line.replace(b"\r", b" "))
        if message.ref is not NO_REF and bytes(message.ref)[:1] in (b"{", b"["):
            return BadLine(BadRequest("ref must be a JSON scalar: a number or a text"))
        return message
    except BadRequest as exc:
        return BadLine(exc, _ref_of(line))
    except (msgspec.DecodeError, RecursionError) as exc:
        return BadLine(BadRequest(sentence(str(exc), line)), _ref_of(line))


def decode_whole(data: bytes, decoder: msgspec.json.Decoder[Any]) -> Any:
    """One JSON value that came by itself, not as a line, as strictly as a line is read. Raises BadRequest."""
    try:
        check_text(data)
        if len(data) > LONG_LINE:
            _check_dear_numbers(data)
        found = decoder.decode(data)
        if b"\n" in data or b"\r" in data:  # between tokens, or it would not have decoded: a payload fits in a line
            found = decoder.decode(data.replace(b"\n", b" ").replace(b"\r", b" "))
    except (msgspec.DecodeError, RecursionError) as exc:
        raise BadRequest(sentence(str(exc), data).replace("this line", "this body")) from None
    return found


class _Bodies(Struct):
    """The fields that the decoder leaves as they are."""

    payload: Raw = NULL
    result: Raw = NULL
    arg: Raw = NULL
    res: Raw = NULL
    jobs: list[_Bodies] = []


_bodies = msgspec.json.Decoder(_Bodies).decode


def _check_dear_numbers(line: bytes) -> None:
    """Raise BadRequest when reading this line's fields would keep everybody waiting."""
    if len(_DEAR_NUMBER.findall(line)) <= MOST_DEAR:
        return
    whole = _bodies(line)
    bodies = [body for part in (whole, *whole.jobs) for body in (part.payload, part.result, part.arg, part.res)]
    if _dear(line) - _dear(b" ".join(bodies)) > MOST_DEAR:
        raise BadRequest(f"more than {MOST_DEAR} numbers with exponents of three digits: none of them is in range here")


def _dear(data: bytes) -> int:
    """How many numbers of that sort; in a text, like file0001, there are none."""
    return len(_DEAR_NUMBER.findall(without_strings(data)))


class _OnlyRef(Struct):
    ref: str | int | float | bool | None = None


def _ref_of(line: bytes) -> Raw:
    """The ref of a line that is a JSON object but no command, so that its sender knows which one failed."""
    if b"ref" not in line and b"\\u" not in line:
        return NO_REF
    try:
        ref = msgspec.json.decode(line, type=_OnlyRef).ref
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return NO_REF
    return NO_REF if ref is None else Raw(encode(ref))
