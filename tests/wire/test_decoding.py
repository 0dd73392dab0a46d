"""Framer, decoder and the client's reading, alone: fifty thousand inputs, and what they must see."""

from __future__ import annotations

import time
from random import Random
from typing import Any

import msgspec
import pytest

from hirehall.client import lines, session
from hirehall.errors import BadRequest
from hirehall.wire import codec
from hirehall.wire.body import check_body, without_strings
from hirehall.wire.codec import BadLine, decode_line
from tests.wire import decoding
from tests.wire.bodies import REFUSED
from tests.wire.sorts import EDGE_EVERY, IN_TESTS, SORTS, seeds

MIB = 1 << 20
DEAR = {
    "brackets": b"[" + b"{}," * (MIB // 3 - 100) + b"1]",
    "sixty-four levels": b"[" + (b"[" * 63 + b"]" * 63 + b",") * (MIB // 127 - 10) + b"1]",
    "pairs": b'"' + b"\\ud83d\\ude00" * (MIB // 12 - 100) + b'"',
    "runs of 299 digits": b"[" + (b"9" * 299 + b",") * (MIB // 300 - 10) + b"1]",
    "far numbers": b"[" + b"1e299," * (MIB // 6 - 100) + b"1]",
    "texts": b"[" + b'"",' * (MIB // 3 - 200) + b"[]," * 80 + b"1]",
}


@pytest.mark.slow
@pytest.mark.parametrize("sort", ["decoder", "messages", "answers"])
def test_whatever_comes_is_read_as_it_must_be_or_refused(sort: str) -> None:
    for seed in range(seeds(sort, IN_TESTS)):
        assert SORTS[sort].run(seed).problems == [], f"python -m tests.wire {sort} {seed}"


@pytest.mark.slow
def test_lines_of_every_dear_sort_at_every_edge_take_little_time_and_memory() -> None:
    for seed in range(0, 60 * EDGE_EVERY, EDGE_EVERY):
        assert SORTS["decoder"].run(seed).problems == [], f"python -m tests.wire decoder {seed}"


@pytest.mark.parametrize("body", DEAR.values(), ids=DEAR)
def test_no_body_of_a_megabyte_stops_the_hall(body: bytes) -> None:
    line = b'{"cmd":"submit","kind":"a","payload":' + body + b"}\n"
    seconds = min(decoding.timed(line, MIB)[1] for _ in range(5))
    assert seconds < 3 * decoding.MOST_SECONDS * decoding.slowness()


@pytest.mark.parametrize(
    "line",
    [
        b'{"cmd":"work","kinds":["a"],"ref":1,"offers":{"a":[' + b"1e299," * 170_000 + b"1]}}",
        b'{"cmd":"submit","ref":1,"jobs":[' + b'{"requires":{"a":5e-324}},' * 39_000 + b"{}]}",
    ],
)
def test_numbers_that_take_long_to_read_are_refused_by_the_thousand(line: bytes) -> None:
    message = decode_line(line)
    assert type(message) is BadLine
    assert "exponents of three digits" in message.error.message
    assert bytes(message.ref) == b"1"


def test_bodies_may_hold_as_many_such_numbers_as_they_like() -> None:
    body = b"[" + b"1e299," * 100_000 + b"1]"
    for line in (
        b'{"cmd":"submit","kind":"a","payload":%s}' % body,
        b'{"cmd":"submit","jobs":[{"payload":%s}]}' % body,
    ):
        assert type(decode_line(line)) is not BadLine


@pytest.mark.parametrize(
    "fields",
    [
        {"cmd": "submit", "jobs": [{"kind": "a", "key": f"file{n:04}"} for n in range(3_000)]},
        {"cmd": "log", "id": "a", "attempt": 1, "stream": "stdout", "text": "saved image0001.png\n" * 3_000},
        {
            "cmd": "fail",
            "id": "a",
            "attempt": 1,
            "error": {"type": "E", "message": "m", "trace": 'a "line1234"\n' * 3_000},
        },
    ],
    ids=lambda fields: fields["cmd"],
)
def test_texts_hold_no_numbers_whatever_they_look_like(fields: dict[str, Any]) -> None:
    assert type(decode_line(msgspec.json.encode(fields))) is not BadLine


def test_texts_are_taken_out_in_one_go_wherever_they_end() -> None:
    began = time.process_time()
    assert without_strings(b'{"a":1,"b\\"c":2e5,"' + b'\\"' * (MIB // 2)) == b"{:1,:2e5,"
    assert time.process_time() - began < decoding.MOST_SECONDS * decoding.slowness()


@pytest.mark.parametrize(("body", "sentence"), REFUSED, ids=lambda value: str(value[:30]))
def test_what_no_door_lets_in_is_refused_with_its_reason(body: bytes, sentence: str) -> None:
    message = decode_line(b'{"cmd":"submit","kind":"a","payload":' + body + b"}")
    if type(message) is BadLine:
        assert sentence in message.error.message
    else:
        with pytest.raises(BadRequest, match=sentence):
            check_body("payload", message.payload)


# They must see these.


def seen(sort: str, count: int = 300) -> bool:
    return any(SORTS[sort].run(seed).problems for seed in range(1, count))


def test_they_see_a_line_that_is_cut_where_the_bytes_were(monkeypatch: pytest.MonkeyPatch) -> None:
    real = codec.LineReader.feed
    monkeypatch.setattr(codec.LineReader, "feed", lambda self, data: real(self, data.rstrip(b" ")))
    assert seen("decoder")


def test_they_see_an_error_that_is_not_the_protocols(monkeypatch: pytest.MonkeyPatch) -> None:
    def ref_of(line: bytes) -> Any:
        return msgspec.Raw(msgspec.json.encode(msgspec.json.decode(line)["ref"]))

    monkeypatch.setattr(codec, "_ref_of", ref_of)
    assert seen("decoder")


def test_they_see_a_field_that_is_not_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    lax = msgspec.json.Decoder(codec.AnyRequest, strict=False)
    monkeypatch.setattr(codec, "_decoder", lax)
    assert seen("messages", 2_000)


def test_they_see_a_client_that_trusts_the_greeting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "UNREADABLE", (msgspec.DecodeError,))
    monkeypatch.setattr(lines, "UNREADABLE", (msgspec.DecodeError,))
    assert seen("answers", 3_000)


def test_a_seed_is_the_same_input_every_time() -> None:
    assert decoding.stream(Random(5)) == decoding.stream(Random(5))
