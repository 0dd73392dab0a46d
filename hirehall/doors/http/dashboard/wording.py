"""Numbers, durations and sizes as people read them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

NONE = "\u2013"  # a dash
THIN = "\u202f"  # a narrow space that does not break
_LONG = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_SIZES = ("bytes", "KiB", "MiB", "GiB", "TiB")


def number(value: float | None) -> str:
    """12480 as 12,480."""
    return NONE if value is None else f"{value:,}"


def rate(value: float) -> str:
    """Jobs a second: one digit behind the point while that says something."""
    return f"{value:,.1f}" if 0 < value < 100 else f"{value:,.0f}"


def span(seconds: float | None) -> str:
    """A duration in its two largest units."""
    if seconds is None:
        return NONE
    if 0 < seconds < 1:
        return f"{seconds * 1000:.0f}{THIN}ms"
    if seconds < 10:
        return f"{seconds:.1f}{THIN}s".replace(f".0{THIN}", THIN)
    left, said = int(seconds), []
    for length, unit in _LONG:
        count, left = divmod(left, length)
        if count:
            said.append(f"{count}{THIN}{unit}")
        elif said:
            break
    return " ".join(said[:2]) or f"0{THIN}s"


def about(seconds: float) -> str:
    """A duration in its largest unit: what is shown again and again must not change with every second."""
    for length, unit in _LONG:
        if seconds >= length:
            return f"{int(seconds) // length}{THIN}{unit}"
    return f"0{THIN}s"


def labels(requires: Mapping[str, Any] | None) -> list[str]:
    """`mesher=tetgen` for each label."""
    return [f"{name}={_plain(value)}" for name, value in (requires or {}).items()]


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def size(count: int) -> str:
    """Bytes in the unit that leaves a short number."""
    if count == 1:
        return f"1{THIN}byte"
    amount = float(count)
    for unit in _SIZES:
        if amount < 1024 or unit == _SIZES[-1]:
            break
        amount /= 1024
    return f"{amount:,.0f}{THIN}{unit}" if amount >= 10 or unit == "bytes" else f"{amount:.1f}{THIN}{unit}"
