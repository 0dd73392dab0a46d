"""Framer and decoder alone: any bytes, cut anywhere, give the same messages or refusals, soon and in little memory."""

from __future__ import annotations

import json
import time
import tracemalloc
from contextlib import suppress
from functools import cache
from itertools import pairwise
from random import Random
from typing import Any
from unittest import mock

from msgspec import Raw, structs

from hirehall.errors import BadRequest, TooLarge
from hirehall.model import MAX_MESSAGE
from hirehall.wire import codec
from hirehall.wire.body import check_body
from hirehall.wire.codec import BadLine, LineReader, decode_line, encode
from hirehall.wire.requests import NO_REF
from tests.wire import grammar
from tests.wire.bad_lines import BAD
from tests.wire.bytes_cases import CHANGES, CORPUS, mutated, noise

SHORT = 200  # bytes: what is shorter is cut at every byte
MOST_SECONDS = 0.050
MOST_MEMORY = 32 << 20
LONGEST_SENTENCE = 600
CHUNK = 65_536  # what a socket gives at once, at most
EDGES = (0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, MAX_MESSAGE - 1, MAX_MESSAGE, MAX_MESSAGE + 1)
BODIES = ("payload", "result", "arg", "res")
BAD_LINES = [line for line, _, _ in BAD.values() if len(line) < 500]


def stream(random: Random) -> tuple[bytes, int]:
    """Bytes, and the most that a line may have."""
    dice = random.random()
    if dice < 0.35:
        data = mutated(random)
    elif dice < 0.45:
        data = noise(random)
    elif dice < 0.65:
        data = changed(grammar.request(random).line + random.choice((b"\n", b"\r\n", b"")), random)
    else:
        parts = [random.choice(LINES)(random) for _ in range(random.randint(1, 3))]
        data = b"".join(part + random.choice((b"\n", b"\n", b"\r\n", b"")) for part in parts)
    if random.random() < 0.3:
        lengths = [len(line) for line in data.split(b"\n")]
        return data, max(random.choice(lengths) + random.choice((-1, 0, 1)), 1)
    return data, MAX_MESSAGE


LINES: tuple[Any, ...] = (
    lambda random: grammar.request(random).line,
    lambda random: random.choice(BAD_LINES),
    lambda random: random.choice(list(CORPUS.values())).split(b"\n")[0],
    lambda random: random.choice((b"", b" ", b"\r", b"\0", b"\x0b\x0c")),
)


def changed(data: bytes, random: Random) -> bytes:
    """A few bytes are others."""
    changing = bytearray(data)
    for _ in range(random.randint(1, 3)):
        random.choice(CHANGES)(changing, random)
    return bytes(changing)


def edge(random: Random) -> tuple[bytes, int]:
    """Lines as long as may be, and a little more, filled with what is dear to read."""
    size = max(random.choice(EDGES) + random.randint(-2, 2), 0)
    start, fill, end = random.choice((
        (b'{"cmd":"submit","kind":"a","payload":"', b"x", b'"}'),
        (b'{"cmd":"submit","kind":"a","payload":[', b"1,", b"1]}"),
        (b'{"cmd":"submit","kind":"a","payload":"', b"\\u0041", b'"}'),
        (b'{"cmd":"submit","kind":"a","payload":"', b"\\ud83d\\ude00", b'"}'),
        (b'{"cmd":"submit","kind":"a","payload":[', b"{},", b"[]]}"),
        (b'{"cmd":"submit","kind":"a","payload":', b"9", b"}"),
        (b'{"cmd":"submit","kind":"a","payload":[', b"1e299,", b"1]}"),
        (b'{"cmd":"submit","kind":"a","payload":[', b"9" * 299 + b",", b"1]}"),
        (b'{"cmd":"done","id":"a","attempt":1,"result":[', b'{"a":{}},', b"1e300]}"),
        (b'{"cmd":"work","kinds":["a"],"offers":{"a":[', b"1e299,", b"1]}}"),
        (b'{"cmd":"submit","jobs":[', b'{"requires":{"a":5e-324}},', b"{}]}"),
        (b'{"cmd":"get","ids":[', b'"",', b'""]}'),
        (b'{"cmd":"', b"y", b'"}'),
        (b"", b"[", b""),
        (b"", b"\xff", b""),
        (b"", b'{"a":', b""),
        (b"", b" ", b""),
        (b"", b"\\", b""),
    ))  # fmt: skip
    room = max(size - len(start) - len(end), 0)
    return start + fill * (room // len(fill)) + end + random.choice((b"\n", b"")), MAX_MESSAGE


def check(data: bytes, most: int, random: Random) -> tuple[list[str], float]:
    """What is wrong with how `data` is read; how many seconds that took, with the checks of its bodies."""
    try:
        whole, seconds = timed(data, most)
    except Exception as exc:
        return [f"{type(exc).__name__} escaped: {exc}"], 0.0
    if seconds > MOST_SECONDS:  # the machine may have been busy: the best of five counts
        seconds = min(seconds, *(timed(data, most)[1] for _ in range(5)))
    found = [f"{seconds * 1000:.0f} ms for {len(data)} bytes"] if seconds > MOST_SECONDS * slowness() else []
    found += [problem for message in whole if (problem := judged(message))]
    return found + together(data) + splits(data, most, random), seconds


def together(data: bytes) -> list[str]:
    """Lines mean together what each means by itself."""
    lines = [line for line in data.split(b"\n") if line and not line.isspace()]
    one_by_one = [decode_line(line) for line in lines]
    is_same = list(map(meaning, codec.decode_lines(lines))) == list(map(meaning, one_by_one))
    return [] if is_same else ["its lines mean something else together"]


def meaning(message: Any) -> tuple[type, bytes]:
    if type(message) is BadLine:
        return BadLine, message.error.message.encode() + bytes(message.ref)
    return type(message), encode(message)


def timed(data: bytes, most: int) -> tuple[list[Any], float]:
    """The messages of `data`, their bodies checked as the commands check them, and the seconds of this thread."""
    began = time.thread_time()
    whole = messages([data], most)
    for message in whole:
        for name in BODIES:
            if type(part := getattr(message, name, None)) is Raw:
                with suppress(BadRequest):
                    check_body(name, part)
    return whole, time.thread_time() - began


@cache
def slowness() -> float:
    """How much slower than the machine for which the bound is meant this one is just now."""
    text = b"[" + b"[]," * 100_000 + b"1]"
    began = time.thread_time()
    json.loads(text)
    return max((time.thread_time() - began) / 0.009, 1.0)


def messages(pieces: list[bytes], most: int) -> list[Any]:
    """All messages, up to the one that ends the stream."""
    reader = LineReader(most)
    got: list[Any] = []
    for piece in pieces:
        got += reader.feed(piece)
        if got and is_end(got[-1]):
            break
    return got


def is_end(message: Any) -> bool:
    return type(message) is BadLine and type(message.error) is TooLarge


def judged(message: Any) -> str | None:
    """A refusal says why in a sentence; a message survives the way back."""
    if type(message) is BadLine:
        if type(message.error) not in (BadRequest, TooLarge) or not 0 < len(message.error.message) < LONGEST_SENTENCE:
            return f"refused with {message.error!r}"
        return None if bytes(message.ref)[:1] not in (b"{", b"[") else f"the ref {bytes(message.ref)!r}"
    if message.ref is NO_REF:  # it stands for none, and cannot be written
        message = structs.replace(message, ref=Raw(b"7"))
    line = encode(message)
    again = decode_line(line)
    if type(again) is not type(message) or encode(again) != line:
        return f"{line[:300]!r} is read as {again!r}"
    return others_read(line)


def others_read(line: bytes) -> str | None:
    """What was let in, every parser reads. (Bodies are looked at once more by the commands that keep them.)"""
    try:
        json.dumps(json.loads(line), ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:
        return (
            None if b"9" * 300 in line or b"[" * 65 in line or b'{"a":' * 65 in line else f"others read {line!r}: {exc}"
        )
    return None


def splits(data: bytes, most: int, random: Random) -> list[str]:
    """How bytes arrive changes nothing. A line means the same wherever it comes, so each is decoded once here."""
    known: dict[bytes, Any] = {}

    def remembered(line: bytes) -> Any:
        if line not in known:
            known[line] = decode_line(line)
        return known[line]

    cuts = [(at,) for at in range(1, len(data))] if len(data) < SHORT else []
    cuts += [tuple(sorted(random.randrange(len(data) + 1) for _ in range(count))) for count in (2, 3, 9)]
    one_by_one = mock.patch.object(codec, "_asks_for_a_look", return_value=True)
    with one_by_one, mock.patch.object(codec, "decode_line", remembered):
        whole = messages([data], most)
        for cut in cuts:
            pieces = [data[start:end] for start, end in pairwise((0, *cut, len(data)))]
            if not same(messages(pieces, most), whole):
                return [f"cut at {cut} it gives other messages"]
    return []


def same(some: list[Any], others: list[Any]) -> bool:
    if len(some) != len(others):
        return False
    return all(one is other or (is_end(one) and is_end(other)) for one, other in zip(some, others, strict=True))


def made(random: Random) -> list[str]:
    """A line from the grammar is what it was made to be."""
    line, kind, named = grammar.request(random)
    message = decode_line(line)
    if named:
        is_right = type(message) is BadLine and named in message.error.message
        return [] if is_right else [f"{line!r}: {named} is wrong, but it was read as {message}"]
    return [] if type(message) is kind else [f"{line!r} is a {kind.__name__}, but was read as {message}"]


def memory(data: bytes, most: int) -> int:
    """The most bytes in use at a time while `data` is read, beside it."""
    tracemalloc.start()
    try:
        messages([data], most)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
