"""Properties: how bytes arrive changes nothing; whatever is admitted, any JSON parser reads the same."""

from __future__ import annotations

import json
import tracemalloc
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hirehall.errors import TooLarge
from hirehall.model import MAX_MESSAGE
from hirehall.wire.codec import MOST_BAD, BadLine, LineReader, decode_line, encode
from tests.wire.bad_lines import BAD
from tests.wire.samples import REF, SAMPLES

quick = settings(max_examples=200, deadline=None, derandomize=True, database=None)
GOOD_LINES = [encode(kind(ref=REF, **fields)) for kind, fields in SAMPLES.items()]
BAD_LINES = [line for line, _, _ in BAD.values() if len(line) < 1_000]
LINES = (
    st.sampled_from(GOOD_LINES)
    | st.sampled_from(BAD_LINES)
    | st.binary(max_size=30).map(lambda b: b.replace(b"\n", b""))
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
JSON_LIKE = st.text(alphabet='[]{}",:\\u0123456789.eE+-truefalsn \t\rdD8c', max_size=24).map(str.encode) | st.binary(
    max_size=12
)


def shape(message: Any) -> Any:
    """What there is to compare of a message."""
    if type(message) is BadLine:
        return (type(message.error), message.error.message, bytes(message.ref))
    return (type(message), encode(message))


def feed(chunks: list[bytes], max_message: int = MAX_MESSAGE) -> list[Any]:
    """All messages, up to the one that ends the stream."""
    reader = LineReader(max_message)
    got: list[Any] = []
    for chunk in chunks:
        got += map(shape, reader.feed(chunk))
        if got and got[-1][0].__name__ == "TooLarge":
            break
    return got


def cut(stream: bytes, cuts: list[int]) -> list[bytes]:
    at = [0, *sorted(cut % (len(stream) + 1) for cut in cuts), len(stream)]
    return [stream[start:end] for start, end in pairwise(at)]


CUTS = st.lists(st.integers(0, 1 << 20), max_size=12)
ENDS = st.sampled_from([b"\n", b"\r\n"])


@quick
@given(st.lists(st.tuples(LINES, ENDS), max_size=8), CUTS)
def test_any_chunking_gives_the_messages_of_one_chunk(lines: list[tuple[bytes, bytes]], cuts: list[int]) -> None:
    stream = b"".join(line + end for line, end in lines)
    assert feed(cut(stream, cuts)) == feed([stream])


@quick
@given(st.lists(st.tuples(LINES, ENDS), max_size=8))
def test_a_line_means_the_same_alone_and_in_company(lines: list[tuple[bytes, bytes]]) -> None:
    together = feed([b"".join(line + end for line, end in lines)])
    alone = [message for line, end in lines for message in feed([line + end])]
    assert together == alone


@quick
@given(st.binary(max_size=200), CUTS)
def test_any_bytes_in_any_chunks_give_the_messages_of_one_chunk(stream: bytes, cuts: list[int]) -> None:
    assert feed(cut(stream, cuts), 24) == feed([stream], 24)


@pytest.mark.parametrize("line", BAD_LINES[::4])
def test_neighbours_of_a_bad_line_survive_a_cut_at_every_byte(line: bytes) -> None:
    stream = b'{"cmd":"ping","ref":1}\n' + line + b'\r\n{"cmd":"bye"}\n'
    whole = feed([stream])
    for at in range(len(stream)):
        assert feed([stream[:at], stream[at:]]) == whole, at


REMEDY = "speak JSON lines as docs/protocol.md has them"
PING = b'{"cmd":"ping"}\n'


@pytest.mark.parametrize("chunk", [1, 7, 65_536])
def test_too_many_bad_lines_in_a_row_end_the_stream_however_they_arrive(chunk: int) -> None:
    stream = b"x\n" * (MOST_BAD - 1) + PING + b"x\n" * (MOST_BAD + 1) + PING
    got = feed([stream[at : at + chunk] for at in range(0, len(stream), chunk)])
    assert got[-1][:2] == (TooLarge, f"{MOST_BAD} lines in a row are no messages: {REMEDY}")
    assert [kind.__name__ for kind, *_ in got].count("Ping") == 1, "one good line begins the count anew"
    assert len(got) == 2 * MOST_BAD + 1


@quick
@given(JSON)
def test_any_json_is_admitted_as_a_payload_and_keeps_its_value(value: Any) -> None:
    for text in (json.dumps(value), json.dumps(value, ensure_ascii=False)):
        got = decode_line(b'{"cmd":"submit","kind":"a","payload":%s}' % text.encode())
        assert json.loads(bytes(got.payload)) == value


@settings(quick, max_examples=2_000)
@given(JSON_LIKE)
def test_whatever_is_admitted_as_a_payload_every_parser_can_read(body: bytes) -> None:
    line = b'{"cmd":"submit","kind":"a","payload":%s}' % body.replace(b"\n", b"")
    got = decode_line(line)
    if type(got) is BadLine:
        return
    json.loads(bytes(got.payload), parse_constant=refuse).__repr__()
    json.dumps(json.loads(bytes(got.payload)), ensure_ascii=False).encode()
    assert b"\r" not in bytes(got.payload)


def refuse(constant: str) -> None:
    raise AssertionError(f"{constant} was admitted")


@settings(quick, max_examples=1_000)
@given(JSON_LIKE)
def test_every_valid_json_text_is_admitted(body: bytes) -> None:
    try:
        text = body.decode()
        json.loads(text, parse_constant=refuse_constant)
        json.dumps(json.loads(text), ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return
    if "\n" not in text:
        assert type(decode_line(b'{"cmd":"submit","kind":"a","payload":%s}' % body)) is not BadLine


def refuse_constant(constant: str) -> None:
    raise ValueError(constant)


@pytest.mark.parametrize("chunk", [3, 512, 65_536, 1 << 20])
def test_a_line_without_end_takes_bounded_memory(chunk: int) -> None:
    reader = LineReader()
    tracemalloc.start()
    try:
        sent = 0
        while not reader.feed(b"x" * chunk):
            sent += chunk
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert sent <= MAX_MESSAGE
    assert peak < MAX_MESSAGE + 2 * chunk + (1 << 18), "pieces cost more than what is in them"


def test_the_largest_message_is_read_within_bounded_memory() -> None:
    line = b'{"cmd":"submit","kind":"a","payload":[' + b"1," * (MAX_MESSAGE // 2 - 30) + b"1]}\n"
    assert len(line) <= MAX_MESSAGE
    tracemalloc.start()
    try:
        (message,) = LineReader().feed(line)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert len(bytes(message.payload)) > MAX_MESSAGE - 100
    assert peak < 8 << 20
