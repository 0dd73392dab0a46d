"""What the agent and a child process of its pool say to each other.

A word is a frame: the lengths of its head and its body as two 32-bit numbers, the head (JSON of one of the structs
here) and the body (a payload or a result as it is, else empty).
"""

from __future__ import annotations

import struct

import msgspec
from msgspec import Struct

from hirehall.runners.port import Failure, Outcome, Released, Success, Why
from hirehall.wire.replies import Delivery

LENGTHS = struct.Struct(">II")


class Begin(Struct, tag=True):
    """To a child: load these files. `python_path` is its PYTHONPATH as the user had it, None for unset; `level` that
    of the root logger."""

    files: list[str]
    python_path: str | None
    level: int


class Start(Struct, tag=True):
    """To a child: run this job, whose payload is the body, and whose directory is `folder`."""

    job: Delivery
    folder: str


class Halt(Struct, tag=True):
    """To a child: what runs is to stop."""

    why: Why


class Ready(Struct, tag=True):
    """From a child: its files are loaded."""


class Unable(Struct, tag=True):
    """From a child: its files cannot be loaded."""

    message: str


class Progressed(Struct, tag=True):
    """From a child: how far its job is."""

    percent: float | None
    text: str


class Logged(Struct, tag=True):
    """From a child: lines of its job's log."""

    stream: str
    text: str


class Succeeded(Struct, tag=True):
    """From a child: its job has this result, which is the body, and `has_files` as in Success."""

    has_files: bool


class Failed(Struct, tag=True):
    """From a child: its job has failed."""

    failure: Failure


class GaveBack(Struct, tag=True):
    """From a child: its job has not begun."""

    released: Released


Order = Begin | Start | Halt
Word = Ready | Unable | Progressed | Logged | Succeeded | Failed | GaveBack

encode = msgspec.json.Encoder().encode
decode_order = msgspec.json.Decoder(Order).decode
decode_word = msgspec.json.Decoder(Word).decode


def frame(word: Order | Word, body: bytes = b"") -> bytes:
    """One word as bytes."""
    head = encode(word)
    return LENGTHS.pack(len(head), len(body)) + head + body


def ended(outcome: Outcome) -> bytes:
    """How a job ended, as a frame."""
    if isinstance(outcome, Success):
        return frame(Succeeded(outcome.has_files), outcome.result)
    return frame(Failed(outcome) if isinstance(outcome, Failure) else GaveBack(outcome))


class Frames:
    """Bytes as they arrive -> whole frames, as heads and bodies."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[tuple[bytes, bytes]]:
        """The frames that are complete now."""
        rest = self._rest
        rest += data
        found, at = [], 0
        while len(rest) - at >= LENGTHS.size:
            head, body = LENGTHS.unpack_from(rest, at)
            begin = at + LENGTHS.size
            if len(rest) < begin + head + body:
                break
            at = begin + head + body
            found.append((bytes(rest[begin : begin + head]), bytes(rest[begin + head : at])))
        del rest[:at]
        return found
