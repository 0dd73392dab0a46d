"""Durations as people type them, and as pages write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hirehall.spans import read_span, written


@pytest.mark.parametrize(
    ("word", "seconds"),
    [
        ("90", 90),
        ("1.5", 1.5),
        ("250ms", 0.25),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("7d", 604_800),
        ("0", 0),
        ("36 h", 129_600),
        (" 1 day ", 86_400),
        ("2 Days 1 Hour 30 min", 178_200),
        ("1 week", 604_800),
    ],
)
def test_a_duration_is_seconds_or_numbers_with_units(word: str, seconds: float) -> None:
    assert read_span(word) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "word", ["", "h", "-5", "2x", "1h30", "soon", "2026-01-31", "inf", "nan", "1 fortnight", "1 day, 2 h", "9" * 90]
)
def test_everything_else_is_no_duration(word: str) -> None:
    assert read_span(word) is None


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(86_400, "1 day"), (129_600, "1 day 12 h"), (90, "1 min 30 s"), (0.25, "0.25 s"), (0, "0 s"), (172_800, "2 days")],
)
def test_a_duration_is_written_as_people_write_it(seconds: float, words: str) -> None:
    assert written(seconds) == words


@given(st.integers(0, 100 * 366 * 86_400) | st.integers(0, 10**9).map(lambda n: n / 1000))
def test_what_is_written_is_read_as_the_same(seconds: float) -> None:
    assert read_span(written(seconds)) == pytest.approx(seconds)
