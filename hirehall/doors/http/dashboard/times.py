"""Moments as pages need them: epoch milliseconds, RFC 3339 for <time>, date and time of day in UTC."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> int:
    """Epoch milliseconds."""
    return round(time.time() * 1000)


def millis(when: str | None) -> int | None:
    """An RFC 3339 time of ours as epoch milliseconds."""
    return None if when is None else round(datetime.fromisoformat(when).timestamp() * 1000)


def seconds_since(when: str) -> float:
    """How long ago this was (RFC 3339)."""
    return max(time.time() - datetime.fromisoformat(when).timestamp(), 0.0)


def clock(when: str) -> str:
    """A time (RFC 3339) as date and time to the second."""
    return datetime.fromisoformat(when).astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def moment(ms: int | None) -> str:
    """Epoch milliseconds as RFC 3339, for <time datetime>."""
    return "" if ms is None else f"{_utc(ms).isoformat(timespec='milliseconds')[:-6]}Z"


def time_of_day(ms: int | None) -> str:
    """In UTC, to the millisecond."""
    return "" if ms is None else _utc(ms).strftime("%H:%M:%S.%f")[:-3]


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
