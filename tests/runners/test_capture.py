"""What a script writes, kept within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirehall.runners.capture import Capture, LogLines, ProgressLines

TEXT = b"run 40% page 4\nrun plain\nnoise\nrun 7.5%\nrun 400% too much\ndone x\nrun last"


@pytest.mark.parametrize("cut", range(len(TEXT) + 1))
def test_progress_lines_are_the_same_wherever_the_reads_are_cut(cut: int) -> None:
    lines = ProgressLines()
    words = lines.feed(TEXT[:cut]) + lines.feed(TEXT[cut:]) + lines.finish()
    assert words == [(40.0, "page 4"), (None, "plain"), (7.5, ""), (None, "400% too much"), (None, "last")]


def test_a_progress_line_without_an_end_does_not_fill_memory() -> None:
    lines = ProgressLines()
    for _ in range(1000):
        lines.feed(b"run " + b"x" * 10_000)
    assert len(lines._rest) <= 64 * 1024


@given(st.lists(st.binary(max_size=50)), st.integers(2, 64))
def test_head_and_tail_are_kept_and_nothing_else(pieces: list[bytes], limit: int) -> None:
    capture, whole = Capture(limit), b"".join(pieces)
    for piece in pieces:
        capture.feed(piece)
    half = limit // 2
    kept = bytes(capture._head) + b"".join(capture._tail)
    assert kept == (whole if len(whole) <= 2 * half else whole[:half] + whole[-half:])
    assert capture.tail(1000) == kept.decode("utf-8", "replace").strip()


def test_what_was_left_out_is_said() -> None:
    capture = Capture(10)
    capture.feed(b"0123456789abcdef")
    assert capture.text(100) == "01234\n... 6 bytes left out ...\nbcdef"
    assert capture.text(4) == "01\n... 12 bytes left out ...\nef"


def test_bytes_that_are_no_text_are_replaced() -> None:
    capture = Capture()
    capture.feed(b"a\xff\xfeb")
    assert capture.text(100) == "a\ufffd\ufffdb"


# The live log.


def lines(*pieces: bytes) -> list[str | None]:
    log = LogLines()
    return [*map(log.feed, pieces), log.finish()]


def test_log_lines_come_whole_however_the_reads_are_cut() -> None:
    assert lines(b"one\ntw", b"o", b"\nthree") == ["one", None, "two", "three"]
    assert lines(b"a\r\nb\r\n") == ["a\nb", None]
    assert lines(b"\n") == ["", None]


def test_half_a_character_waits_for_its_other_half() -> None:
    data = "ä€😀\n".encode()
    for cut in range(1, len(data)):
        assert "".join(text or "" for text in lines(data[:cut], data[cut:])) == "ä€😀"


def test_a_line_without_end_is_let_out_in_pieces_that_halve_no_character() -> None:
    log = LogLines()
    text = "€" * 20_000
    said = [log.feed(text.encode()[n : n + 1001]) for n in range(0, 60_000, 1001)]
    said.append(log.finish())
    assert "".join(piece or "" for piece in said) == text


def test_bytes_that_are_no_text_are_shown_as_such() -> None:
    assert lines(b"\xff\0\n")[0] == "\ufffd\ufffd"
