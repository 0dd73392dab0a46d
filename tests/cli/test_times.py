"""Times and durations as people type them."""

from __future__ import annotations

from datetime import UTC, datetime

from hirehall.cli.times import read_moment

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


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
