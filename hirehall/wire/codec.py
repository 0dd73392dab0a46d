"""Bytes to messages and back. One line is one message, however the bytes arrive."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

from hirehall.errors import BadRequest, HallError, TooLarge
from hirehall.model import MAX_MESSAGE
from hirehall.wire.body import check_text
from hirehall.wire.requests import NO_REF, AnyRequest
from hirehall.wire.sentences import sentence

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
        self._begun: list[bytes] = []  # pieces of a line whose end has not come
        self._begun_bytes = 0

    def feed(self, data: bytes) -> list[Message]:
        """The messages whose lines `data` ends. After a TooLarge BadLine, always the last, the stream is useless."""
        head, newline, rest = data.rpartition(b"\n")
        if not newline:
            return self._go_on(rest)
        lines = b"".join([*self._begun, head]).split(b"\n")
        self._begun, self._begun_bytes = [], 0
        if max(map(len, lines)) > self._max_message:
            return self._up_to_long(lines)
        return decode_lines(lines) + self._go_on(rest)

    def _go_on(self, rest: bytes) -> list[Message]:
        if rest:
            self._begun.append(rest)
            self._begun_bytes += len(rest)
        return self._too_long() if self._begun_bytes > self._max_message else []

    def _up_to_long(self, lines: list[bytes]) -> list[Message]:
        first = next(at for at, line in enumerate(lines) if len(line) > self._max_message)
        return decode_lines(lines[:first]) + self._too_long()

    def _too_long(self) -> list[Message]:
        return [
            BadLine(TooLarge(f"a line has more than {self._max_message} bytes: keep it elsewhere and send where it is"))
        ]


def decode_lines(lines: list[bytes]) -> list[Message]:
    """A message or a BadLine for every line that is not blank."""
    return [decode_line(line) for line in lines if line and not line.isspace()]


def decode_line(line: bytes) -> Message:
    """One line as a message, or as the reason why it is none."""
    try:
        if not line.isascii() or b"\\u" in line:
            check_text(line)
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


class _OnlyRef(Struct):
    ref: str | int | float | bool | None = None


def _ref_of(line: bytes) -> Raw:
    """The ref of a line that is a JSON object but no command, so that its sender knows which one failed."""
    try:
        ref = msgspec.json.decode(line, type=_OnlyRef).ref
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return NO_REF
    return NO_REF if ref is None else Raw(encode(ref))
