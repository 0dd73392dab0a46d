"""What a job writes is shown in its colours, and can do nothing else to who looks at it."""

from __future__ import annotations

import time

import pytest

from hirehall.doors.http.dashboard.ansi import Paint


def test_colours_and_weights_become_classes() -> None:
    assert Paint().html("\x1b[1;32mOK\x1b[0m refined") == '<span class="a1 a32">OK</span> refined'
    assert Paint().html("\x1b[91;44mx\x1b[39my\x1b[49mz") == '<span class="a44 a91">x</span><span class="a44">y</span>z'
    assert Paint().html("\x1b[38;5;9mx") == '<span class="a91">x</span>'
    assert Paint().html("\x1b[1mx\x1b[22my") == '<span class="a1">x</span>y'


def test_a_colour_goes_on_in_the_next_line() -> None:
    paint = Paint()
    assert paint.html("\x1b[31mred") == '<span class="a31">red</span>'
    assert paint.html("still") == '<span class="a31">still</span>'
    assert paint.html("\x1b[mnot") == "not"


@pytest.mark.parametrize(
    ("written", "seen"),
    [
        ("\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x1b]0;title\x07text", "text"),
        ("\x9d8;;http://x\x9clink", "link"),
        ("\x1b[2J\x1b[1;1Hgone", "gone"),
        ("\x1bP1$r\x1b\\dcs", "dcs"),
        ("bell\x07 back\x08 null\x00", "bell back null"),
        ("right\u202eleft\u2066", "rightleft"),
        ("10%\r20%\r30%\r\n", "30%\n"),
        ("\x1b[38;2;1;2;3mtrue colour", "true colour"),
        ("\x1b[38;5;200mpalette", "palette"),
        ("\x1b[", ""),
        ("\x1b", ""),
        ("a\x1b]8;;never ended", "a"),
        ("\x1b[31;;\x07m", "m"),
        ("tab\tand\nline", "tab\tand\nline"),
    ],
)
def test_what_else_a_terminal_would_obey_is_dropped(written: str, seen: str) -> None:
    assert Paint().html(written) == seen


def test_text_stays_text() -> None:
    assert Paint().html("\x1b[31m<b>&\"'") == '<span class="a31">&lt;b&gt;&amp;&#34;&#39;</span>'


@pytest.mark.parametrize("piece", ["\x1b", "\x1b[", "\x1b]", "\x1b[31", "\r", "\x9b", "\x1b[1m", "a\r"])
def test_a_part_of_a_log_takes_little_time_whatever_it_holds(piece: str) -> None:
    began = time.process_time()
    Paint().html(piece * ((1 << 18) // len(piece)))
    assert time.process_time() - began < 1
