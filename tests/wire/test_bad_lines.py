"""What is no message, and what its sender is told. Each line stands for one fault."""

from __future__ import annotations

import pytest

from hirehall.errors import BadRequest, TooLarge
from hirehall.wire import requests
from hirehall.wire.body import MAX_DEPTH, check_body
from hirehall.wire.codec import BadLine, LineReader, decode_line
from tests.wire.bad_lines import BAD


@pytest.mark.parametrize(("line", "sentence", "ref"), BAD.values(), ids=BAD)
def test_a_bad_line_is_refused_with_a_reason_and_its_ref(line: bytes, sentence: str, ref: bytes) -> None:
    bad = decode_line(line)
    assert type(bad) is BadLine
    assert type(bad.error) is BadRequest
    assert sentence in bad.error.message
    assert bytes(bad.ref) == ref


@pytest.mark.parametrize("line", [line for line, _, _ in BAD.values()], ids=BAD)
def test_a_bad_line_harms_neither_of_its_neighbours(line: bytes) -> None:
    got = LineReader().feed(b'{"cmd":"ping","ref":1}\n' + line + b'\n{"cmd":"bye","ref":2}\n')
    assert [type(message) for message in got] == [requests.Ping, BadLine, requests.Bye]


@pytest.mark.parametrize("line", [line for line, _, _ in BAD.values()], ids=BAD)
def test_an_error_says_little_about_a_long_line(line: bytes) -> None:
    assert len(decode_line(line).error.message) < 600


def test_one_command_over_two_lines_is_two_bad_lines() -> None:
    got = LineReader().feed(b'{"cmd":"ping",\n"ref":1}\n')
    assert [type(message) for message in got] == [BadLine, BadLine]


@pytest.mark.parametrize("blank", [b"", b"\r", b" ", b"\t \r", b"  \r\r"])
def test_blank_lines_are_nothing(blank: bytes) -> None:
    got = LineReader().feed(blank + b'\n{"cmd":"ping"}\n' + blank + b"\n")
    assert [type(message) for message in got] == [requests.Ping]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r\n", b" \r\n"])
def test_a_line_ends_with_lf_or_crlf(end: bytes) -> None:
    assert [type(message) for message in LineReader().feed(b'{"cmd":"ping"}' + end)] == [requests.Ping]


def test_cr_alone_ends_no_line() -> None:
    assert LineReader().feed(b'{"cmd":"ping"}\r{"cmd":"ping"}\r') == []


def test_a_cr_between_tokens_becomes_a_space() -> None:
    got = decode_line(b'{"cmd":\r"submit",\r\r"kind":"a","payload":[1,\r2]}\r')
    assert bytes(got.payload) == b"[1, 2]"
    assert got.kind == "a"


def test_an_escaped_cr_in_a_text_stays() -> None:
    assert bytes(decode_line(b'{"cmd":"submit","kind":"a","payload":"\\r\\n"}').payload) == b'"\\r\\n"'


@pytest.mark.parametrize(
    "payload",
    [
        b'"\\ud83d\\ude00"', b'"\\\\ud800"', b'"\\\\\\\\ud800"', b'"\\uD83D\\uDE00\\u00e9"',
        b'[1e999,"\\ud83d\\ude00"]',
    ],
)  # fmt: skip
def test_whole_surrogate_pairs_and_escaped_backslashes_are_fine(payload: bytes) -> None:
    assert bytes(decode_line(b'{"cmd":"submit","kind":"a","payload":%s}' % payload).payload) == payload


def test_of_a_name_twice_the_last_one_counts() -> None:
    assert bytes(decode_line(b'{"cmd":"ping","ref":1,"ref":2}').ref) == b"2"


@pytest.mark.parametrize(
    ("body", "fits"),
    [
        (b"[" * 64 + b"]" * 64, True),
        (b"[" * 65 + b"]" * 65, False),
        (b'{"a":' * 64 + b"1" + b"}" * 64, True),
        (b'{"a":' * 65 + b"1" + b"}" * 65, False),
        (b"[" + b"[]," * 500 + b"[]]", True),
        (b'["%s"]' % (b"[" * 500), True),
        (b'["\\"%s"]' % (b"[" * 500), True),
        (b'["\\\\",' + b"[" * 64 + b"]" * 64 + b"]", False),
        (b'"%s"' % (b'\\"[' * 100), True),
    ],
)
def test_64_levels_are_the_most(body: bytes, fits: bool) -> None:
    assert MAX_DEPTH == 64
    whole = decode_line(b'{"cmd":"submit","kind":"a","payload":%s}' % body).payload
    if fits:
        check_body("payload", whole)
    else:
        with pytest.raises(BadRequest, match="nested deeper than 64"):
            check_body("payload", whole)


def too_large(got: list[object]) -> bool:
    return bool(got) and type(got[-1]) is BadLine and type(got[-1].error) is TooLarge  # type: ignore[attr-defined]


PING = b'{"cmd":"ping"}'


@pytest.mark.parametrize("chunk", [1, 7, 1_000])
def test_a_line_of_exactly_the_most_bytes_is_read(chunk: int) -> None:
    line = PING + b" " * (40 - len(PING))
    reader = LineReader(40)
    got = [message for at in range(0, 41, chunk) for message in reader.feed((line + b"\n")[at : at + chunk])]
    assert [type(message) for message in got] == [requests.Ping]


@pytest.mark.parametrize("chunk", [1, 7, 1_000])
@pytest.mark.parametrize("end", [b"\n", b""])
def test_a_longer_line_is_too_large_with_and_without_its_end(chunk: int, end: bytes) -> None:
    stream = PING + b"\n" + PING + b" " * (41 - len(PING)) + end
    reader = LineReader(40)
    got: list[object] = []
    for at in range(0, len(stream), chunk):
        got += reader.feed(stream[at : at + chunk])
        if too_large(got):
            break
    assert [type(message) for message in got] == [requests.Ping, BadLine]
    assert too_large(got)


def test_what_follows_a_too_long_line_is_dropped() -> None:
    got = LineReader(40).feed(PING + b"\n" + b"x" * 41 + b"\n" + PING + b"\n")
    assert [type(message) for message in got] == [requests.Ping, BadLine]
    assert too_large(got)


def test_too_large_is_said_once_and_last() -> None:
    got = LineReader(40).feed(b"x" * 41 + b"\n" + b"y" * 41)
    assert len(got) == 1
    assert too_large(got)


def test_many_short_lines_may_be_longer_together_than_one_line() -> None:
    assert len(LineReader(40).feed((PING + b"\n") * 100)) == 100
