"""Numbers, times, sizes and lines as people see them."""

from __future__ import annotations

import pytest

from hirehall.doors.http.dashboard import drawing, wording


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, "\u2013"), (0, "0 s"), (0.0004, "0 ms"), (0.084, "84 ms"), (1, "1 s"), (1.94, "1.9 s"), (9.96, "10 s"),
        (59.9, "59 s"), (60, "1 min"), (252, "4 min 12 s"), (3_600, "1 h"), (3_661, "1 h 1 min"), (90_061, "1 d 1 h"),
        (86_400, "1 d"), (86_459, "1 d"),
    ],
)  # fmt: skip
def test_durations_are_told_in_their_two_largest_units(seconds: float | None, said: str) -> None:
    assert wording.span(seconds).replace(wording.THIN, " ") == said


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (1023, "1,023 bytes"),
        (1536, "1.5 KiB"),
        (412 << 20, "412 MiB"),
        (5 << 50, "5,120 TiB"),
    ],
)
def test_sizes_are_told_in_a_unit_that_leaves_them_short(count: int, said: str) -> None:
    assert wording.size(count).replace(wording.THIN, " ") == said


@pytest.mark.parametrize(
    ("value", "said"), [(0, "0"), (0.4, "0.4"), (12.34, "12.3"), (408.4, "408"), (12_480.0, "12,480")]
)
def test_rates_have_one_digit_behind_the_point_while_it_says_something(value: float, said: str) -> None:
    assert wording.rate(value) == said


def test_a_line_stands_on_the_ground_and_reaches_the_top_where_most_is() -> None:
    line = [tuple(map(int, point.split(","))) for point in drawing.points([0, 5, 10]).split()]
    assert line[2:-2] == [(0, 29), (2, 16), (4, 2)]
    assert {height for _, height in (line[0], line[-1])} == {32}, "what is below is filled, its edge is not seen"
    assert drawing.width([0, 5, 10]) == 4
    assert drawing.points([]) == drawing.points([0])
