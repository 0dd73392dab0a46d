"""Durations as people write them, and back: `90`, `30m`, `1h30m`, `36 h`, `1 day`."""

from __future__ import annotations

import re

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_WORDS = {
    "ms": ("ms", "millisecond", "milliseconds"),
    "s": ("s", "sec", "second", "seconds"),
    "m": ("m", "min", "minute", "minutes"),
    "h": ("h", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "week", "weeks"),
}
_UNITS = {word: SECONDS[unit] for unit, words in _WORDS.items() for word in words}
_PART = r"(\d+(?:\.\d+)?)\s*([a-z]+)"
_PARTS = re.compile(rf"{_PART}(?:\s*{_PART})*")
_EACH = re.compile(_PART)
_PLAIN = re.compile(r"\d+(?:\.\d+)?")
LONGEST = 60  # characters
_SAID = ((86_400, "day"), (3_600, "h"), (60, "min"), (1, "s"))


def read_span(word: str) -> float | None:
    """Seconds; None for what is no duration."""
    text = word.strip().lower()
    if len(text) > LONGEST:
        return None
    if _PLAIN.fullmatch(text):
        return float(text)
    found = _EACH.findall(text) if _PARTS.fullmatch(text) else []
    if not found or any(unit not in _UNITS for _, unit in found):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in found)


def written(seconds: float) -> str:
    """So long, to the microsecond, in words that `read_span` reads."""
    if seconds != int(seconds) or not seconds:
        return f"{f'{seconds:.6f}'.rstrip('0').rstrip('.')} s"
    left, said = int(seconds), []
    for length, unit in _SAID:
        count, left = divmod(left, length)
        if count:
            said.append(f"{count} {unit}{'s' if unit == 'day' and count > 1 else ''}")
    return " ".join(said)
