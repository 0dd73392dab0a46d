"""Times as templates need them: epoch milliseconds, RFC 3339 for <time>, and the time of day."""

from __future__ import annotations

import time
from datetime import UTC, datetime


def now() -> int:
    """Epoch milliseconds."""
    return round(time.time() * 1000)


def millis(when: str | None) -> int | None:
    """An RFC 3339 time of ours as epoch milliseconds."""
    return None if when is None else round(datetime.fromisoformat(when).timestamp() * 1000)


def moment(ms: int | None) -> str:
    """Epoch milliseconds as RFC 3339, for <time datetime>."""
    return "" if ms is None else f"{_utc(ms).isoformat(timespec='milliseconds')[:-6]}Z"


def time_of_day(ms: int | None) -> str:
    """In UTC, to the millisecond."""
    return "" if ms is None else _utc(ms).strftime("%H:%M:%S.%f")[:-3]


def _utc(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)
