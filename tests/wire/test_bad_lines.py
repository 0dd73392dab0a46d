"""What is no message, and what its sender is told. Each line stands for one fault."""

from __future__ import annotations

import pytest

from hirehall.errors import BadRequest, TooLarge
from hirehall.wire import messages as m
from hirehall.wire.body import MAX_DEPTH, check_depth
from hirehall.wire.codec import BadLine, LineReader, decode_line

UNREADABLE = "cannot read this line"
SURROGATE = "half of a surrogate pair"

# line, part of the sentence, the ref that could be read
BAD: dict[str, tuple[bytes, str, bytes]] = {
    "two on one line": (b'{"cmd":"ping","ref":1}{"cmd":"ping","ref":2}', "trailing characters", b""),
    "two with a space": (b'{"cmd":"ping"} {"cmd":"ping"}', "trailing characters", b""),
    "a comma behind": (b'{"cmd":"ping"},', "trailing characters", b""),
    "half a line": (b'{"cmd":"ping"', "truncated", b""),
    "the other half": (b',"ref":1}', UNREADABLE, b""),
    "no JSON": (b"POST / HTTP/1.1", UNREADABLE, b""),
    "an array": (b'[{"cmd":"ping"}]', "Expected `object`, got `array`", b""),
    "a number": (b"1", "Expected `object`, got `int`", b""),
    "a text": (b'"ping"', "Expected `object`, got `str`", b""),
    "null": (b"null", "Expected `object`, got `null`", b""),
    "no cmd": (b'{"ref":3}', "`cmd`", b"3"),
    "an unknown cmd": (b'{"cmd":"dance","ref":"x"}', "there is no command 'dance'", b'"x"'),
    "cmd of a wrong type": (b'{"cmd":1,"ref":3}', "Expected `str` - at `$.cmd`", b"3"),
    "cmd in capitals": (b'{"cmd":"PING","ref":3}', "there is no command 'PING'", b"3"),
    "a wrong type": (b'{"cmd":"get","ids":"a","ref":1}', "Expected `array`", b"1"),
    "an int as float": (b'{"cmd":"credit","credit":1.0,"ref":1}', "Expected `int`", b"1"),
    "a bool as int": (b'{"cmd":"credit","credit":true,"ref":1}', "Expected `int`", b"1"),
    "an int as text": (b'{"cmd":"credit","credit":"1","ref":1}', "Expected `int`", b"1"),
    "a ref that is an array": (b'{"cmd":"ping","ref":[1]}', "ref must be a JSON scalar", b""),
    "a ref that is an object": (b'{"cmd":"ping","ref":{}}', "ref must be a JSON scalar", b""),
    "NaN": (b'{"cmd":"submit","kind":"a","payload":NaN,"ref":1}', UNREADABLE, b""),
    "Infinity": (b'{"cmd":"submit","kind":"a","payload":[-Infinity]}', UNREADABLE, b""),
    "NaN as a number": (b'{"cmd":"wait","ids":[],"timeout_seconds":NaN}', UNREADABLE, b""),
    "a float without end": (b'{"cmd":"wait","ids":[],"timeout_seconds":1e999}', UNREADABLE, b""),
    "a lone high surrogate": (b'{"cmd":"submit","kind":"a","payload":"\\ud800","ref":1}', SURROGATE, b""),
    "a lone low surrogate": (b'{"cmd":"submit","kind":"a","payload":"\\udc00x"}', SURROGATE, b""),
    "two high surrogates": (b'{"cmd":"submit","kind":"a","payload":"\\ud800\\ud800"}', SURROGATE, b""),
    "a surrogate in a name": (b'{"cmd":"submit","kind":"a","payload":{"\\uDfff":1}}', SURROGATE, b""),
    "a surrogate as UTF-8": (b'{"cmd":"submit","payload":"\xed\xa0\x80"}', "not UTF-8 (byte 27)", b""),
    "Latin-1": (b'{"cmd":"submit","kind":"\xe9"}', "not UTF-8", b""),
    "a cut character": (b'{"cmd":"submit","kind":"a\xc3"}', "not UTF-8", b""),
    "an overlong encoding": (b'{"cmd":"submit","kind":"\xc0\xaf"}', "not UTF-8", b""),
    "a byte order mark": ('\ufeff{"cmd":"ping"}'.encode(), UNREADABLE, b""),
    "UTF-16": ('{"cmd":"ping"}'.encode("utf-16-le"), UNREADABLE, b""),
    "a raw NUL in a text": (b'{"cmd":"submit","kind":"a","payload":"\x00"}', UNREADABLE, b""),
    "a NUL between tokens": (b'{"cmd":\x00"ping"}', UNREADABLE, b""),
    "a raw tab in a text": (b'{"cmd":"submit","kind":"a","payload":"\t"}', UNREADABLE, b""),
    "a CR in a text": (b'{"cmd":"submit","kind":"a","payload":"\r"}', UNREADABLE, b""),
    "a CR inside a number": (b'{"cmd":"submit","kind":"a","payload":1\r2}', UNREADABLE, b""),
    "a leading zero": (b'{"cmd":"submit","kind":"a","payload":01}', UNREADABLE, b""),
    "a plus": (b'{"cmd":"submit","kind":"a","payload":+1}', UNREADABLE, b""),
    "a bare point": (b'{"cmd":"submit","kind":"a","payload":1.}', UNREADABLE, b""),
    "a comma too many": (b'{"cmd":"submit","kind":"a","payload":[1,]}', UNREADABLE, b""),
    "single quotes": (b"{'cmd':'ping'}", UNREADABLE, b""),
    "a comment": (b'{"cmd":"ping"/**/}', UNREADABLE, b""),
    "no such escape": (b'{"cmd":"submit","kind":"a","payload":"\\x"}', UNREADABLE, b""),
    "a short escape": (b'{"cmd":"submit","kind":"a","payload":"\\u12"}', UNREADABLE, b""),
    "5000 digits": (b'{"cmd":"credit","credit":%s,"ref":1}' % (b"9" * 5000), "out of range", b"1"),
    "100,000 brackets": (b"[" * 100_000, "got `array`", b""),
    "a deep payload": (b'{"cmd":"submit","payload":' + b"[" * 100_000, "nested too deeply", b""),
    "two times cmd": (b'{"cmd":"ping","cmd":"bye"}', "", b""),
}  # fmt: skip


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
    assert [type(message) for message in got] == [m.Ping, BadLine, m.Bye]


@pytest.mark.parametrize("line", [line for line, _, _ in BAD.values()], ids=BAD)
def test_an_error_says_little_about_a_long_line(line: bytes) -> None:
    assert len(decode_line(line).error.message) < 600


def test_one_command_over_two_lines_is_two_bad_lines() -> None:
    got = LineReader().feed(b'{"cmd":"ping",\n"ref":1}\n')
    assert [type(message) for message in got] == [BadLine, BadLine]


@pytest.mark.parametrize("blank", [b"", b"\r", b" ", b"\t \r", b"  \r\r"])
def test_blank_lines_are_nothing(blank: bytes) -> None:
    got = LineReader().feed(blank + b'\n{"cmd":"ping"}\n' + blank + b"\n")
    assert [type(message) for message in got] == [m.Ping]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\r\r\n", b" \r\n"])
def test_a_line_ends_with_lf_or_crlf(end: bytes) -> None:
    assert [type(message) for message in LineReader().feed(b'{"cmd":"ping"}' + end)] == [m.Ping]


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
        check_depth("payload", whole)
    else:
        with pytest.raises(BadRequest, match="nested deeper than 64"):
            check_depth("payload", whole)


def too_large(got: list[object]) -> bool:
    return bool(got) and type(got[-1]) is BadLine and type(got[-1].error) is TooLarge  # type: ignore[attr-defined]


PING = b'{"cmd":"ping"}'


@pytest.mark.parametrize("chunk", [1, 7, 1_000])
def test_a_line_of_exactly_the_most_bytes_is_read(chunk: int) -> None:
    line = PING + b" " * (40 - len(PING))
    reader = LineReader(40)
    got = [message for at in range(0, 41, chunk) for message in reader.feed((line + b"\n")[at : at + chunk])]
    assert [type(message) for message in got] == [m.Ping]


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
    assert [type(message) for message in got] == [m.Ping, BadLine]
    assert too_large(got)


def test_what_follows_a_too_long_line_is_dropped() -> None:
    got = LineReader(40).feed(PING + b"\n" + b"x" * 41 + b"\n" + PING + b"\n")
    assert [type(message) for message in got] == [m.Ping, BadLine]
    assert too_large(got)


def test_too_large_is_said_once_and_last() -> None:
    got = LineReader(40).feed(b"x" * 41 + b"\n" + b"y" * 41)
    assert len(got) == 1
    assert too_large(got)


def test_many_short_lines_may_be_longer_together_than_one_line() -> None:
    assert len(LineReader(40).feed((PING + b"\n") * 100)) == 100
