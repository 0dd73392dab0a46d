"""Bytes to lines to messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirehall.client.lines import LineBuffer, read_line
from hirehall.client.outcomes import Broken

TEXT = b'{"ok":true,"ref":1,"id":"01"}\n{"end":[]}\n\n{"ok":true,"ref":2}\n'


@pytest.mark.parametrize("cut", range(len(TEXT) + 1))
def test_lines_are_the_same_wherever_the_bytes_are_cut(cut: int) -> None:
    buffer = LineBuffer()
    lines = buffer.feed(TEXT[:cut]) + buffer.feed(TEXT[cut:])
    assert lines == TEXT.split(b"\n")[:-1]


@given(st.lists(st.integers(1, 7), max_size=40))
def test_lines_are_the_same_in_any_number_of_pieces(sizes: list[int]) -> None:
    buffer, lines, at = LineBuffer(), [], 0
    for size in [*sizes, len(TEXT)]:
        lines += buffer.feed(TEXT[at : at + size])
        at += size
    assert lines == TEXT.split(b"\n")[:-1]


def test_a_line_without_an_end_is_refused_when_it_passes_the_limit() -> None:
    buffer = LineBuffer(limit=100)
    assert buffer.feed(b"x" * 100) == []
    with pytest.raises(Broken, match="longer than 100 bytes"):
        buffer.feed(b"x")


def test_an_unknown_field_in_a_reply_is_ignored() -> None:
    line = read_line(b'{"ok":true,"ref":4,"id":"01","mood":"good","nested":{"a":[1]}}')
    assert (line.ref, line.id) == (4, "01")


def test_a_reply_whose_fields_mean_something_else_is_still_matched() -> None:
    line = read_line(b'{"ok":true,"ref":4,"id":17,"state":{"ready":1},"run":"never"}')
    assert (line.ref, line.error) == (4, None)


@pytest.mark.parametrize(
    "raw", [b"HTTP/1.1 400 Bad Request", b"[1]", b'"x"', b'{"run":[{"id":1}]}', b"\xff\xfe", b"[" * 100_000]
)
def test_what_is_neither_a_reply_nor_a_push_is_a_clear_error(raw: bytes) -> None:
    with pytest.raises(Broken, match="the hall sent a line that is"):
        read_line(raw)
