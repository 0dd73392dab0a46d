"""Times and durations as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hirehall.cli.times import read_moment, read_span

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


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
    ],
)
def test_a_duration_is_seconds_or_numbers_with_units(word: str, seconds: float) -> None:
    assert read_span(word) == pytest.approx(seconds)


@pytest.mark.parametrize("word", ["", "h", "2 h", "-5", "2x", "1h30", "soon", "2026-01-31", "inf", "nan"])
def test_everything_else_is_no_duration(word: str) -> None:
    assert read_span(word) is None


def test_a_duration_as_a_time_is_so_long_ago() -> None:
    assert read_moment("2h", NOW) == "2026-01-31T10:00:00.000+00:00"


def test_a_day_begins_at_this_machines_midnight() -> None:
    moment = read_moment("2026-01-31")
    assert moment is not None
    assert datetime.fromisoformat(moment) == datetime(2026, 1, 31).astimezone()


def test_a_time_with_its_zone_is_that_moment() -> None:
    moment = read_moment("2026-01-31T12:00:00Z")
    assert moment is not None
    assert datetime.fromisoformat(moment) == NOW
    assert read_moment("yesterday") is None
