"""Times and durations as people type them: `90`, `30m`, `1h30m`, `2026-01-31`, `2026-01-31T12:00:00Z`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import click

from hirehall.spans import read_span


def read_moment(word: str, now: datetime | None = None) -> str | None:
    """A point in time as RFC 3339; a duration means so long ago, a time without a zone is this machine's. None for
    what is no time."""
    seconds = read_span(word)
    if seconds is not None:
        return ((now or datetime.now(UTC)) - timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
    try:
        return datetime.fromisoformat(word).astimezone().isoformat()
    except ValueError:
        return None


class Span(click.ParamType[float]):
    """A duration, in seconds."""

    name = "duration"

    def __init__(self, most: float | None = None, *, is_positive: bool = False) -> None:
        self._most = most
        self._is_positive = is_positive

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        seconds = value if isinstance(value, float) else read_span(str(value))
        if seconds is None:
            self.fail(f"{value!r} is no duration: write seconds, or for example 90s, 30m, 1h30m, 2d", param, ctx)
        if self._most is not None and seconds > self._most:
            self.fail(f"{value!r} is longer than {self._most:g} s", param, ctx)
        if self._is_positive and not seconds:
            self.fail(f"{value!r} leaves no time: give more than 0", param, ctx)
        return seconds


class Moment(click.ParamType[str]):
    """A point in time, as RFC 3339."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        moment = read_moment(str(value))
        if moment is None:
            self.fail(f"{value!r} is no time: write 2h (ago), 2026-01-31, or 2026-01-31T12:00:00Z", param, ctx)
        return moment
