"""`NAME=VALUE` words that set fields of jobs and queues: each name with how its value is read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

import click

from hirehall.cli.parsing import read_labels
from hirehall.cli.times import read_moment
from hirehall.client.verbs import Changes
from hirehall.spans import read_span

NONE = "none"
OLDEST_EPOCH = 1e9  # seconds since 1970, in 2001: a smaller number is a duration where a time was meant
BACKOFFS = ("exponential", "linear", "constant")


def whole(word: str) -> int:
    """A whole number."""
    try:
        return int(word)
    except ValueError:
        raise click.UsageError(f"{word!r} is no whole number") from None


def span(word: str) -> float:
    """A duration in seconds."""
    seconds = read_span(word)
    if seconds is None:
        raise click.UsageError(f"{word!r} is no duration: write seconds, or for example 90s, 30m, 1h30m, 2d")
    return seconds


def lifetime(word: str) -> float:
    """A duration in which something can happen."""
    seconds = span(word)
    if not seconds:
        raise click.UsageError(f"{word!r} leaves no time: give more than 0")
    return seconds


def moment(word: str) -> str | float:
    """A point in time."""
    seconds = read_span(word)
    if seconds is not None and seconds >= OLDEST_EPOCH and word.replace(".", "", 1).isdigit():
        return seconds
    at = None if seconds is not None else read_moment(word)
    if at is None:
        raise click.UsageError(
            f"{word!r} is no time: write now, 2026-01-31, 2026-01-31T12:00:00Z, or the seconds since 1970"
        )
    return at


def words(text: str) -> list[str]:
    """`a,b,c`."""
    return [word for word in text.split(",") if word]


def labels(text: str) -> dict[str, Any]:
    """`gpu=1,mesher=tetgen`."""
    return dict(read_labels("requires", words(text)))


def texts(text: str) -> dict[str, str]:
    """`team=maps,ticket=17`."""
    return read_texts("meta", words(text))


def read_texts(option: str, pairs: Iterable[str]) -> dict[str, str]:
    """`NAME=VALUE` words, the values as they stand."""
    found = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not name or not equals:
            raise click.UsageError(f"{option} {pair!r}: write NAME=VALUE, for example ticket=17")
        found[name] = value
    return found


def backoff(text: str) -> dict[str, Any]:
    """`KIND:BASE` or `KIND:BASE:MAX`, such as exponential:1s:1h."""
    kind, _, rest = text.partition(":")
    base, _, most = rest.partition(":")
    if kind not in BACKOFFS or not base:
        raise click.UsageError(
            f"{text!r} is no backoff: write {'|'.join(BACKOFFS)}:FIRST[:MOST], for example exponential:1s:1h"
        )
    if most and span(most) < span(base):
        raise click.UsageError(f"{text!r} begins with {base} and may not pass {most}: write the longer time last")
    return {"kind": kind, "base_seconds": span(base)} | ({"max_seconds": span(most)} if most else {})


Reader = Callable[[str], Any]
FIELDS: Mapping[str, tuple[str, Reader]] = {
    "queue": ("queue", str),
    "priority": ("priority", whole),
    "run_at": ("run_at", moment),
    "delay": ("delay_seconds", span),
    "expires_at": ("expires_at", moment),
    "ttl": ("ttl_seconds", lifetime),
    "timeout": ("timeout_seconds", lifetime),
    "max_attempts": ("max_attempts", whole),
    "keep": ("keep_seconds", span),
    "requires": ("requires", labels),
    "share": ("share", str),
    "tags": ("tags", words),
    "meta": ("meta", texts),
}
NOW = "now"
NONES: Mapping[str, tuple[str, Any]] = {  # what takes a setting away, as the wire says it; a run_at of null means now
    "priority": ("priority", 0),
    "run_at": ("run_at", None),
    "delay": ("run_at", None),
    "expires_at": ("expires_at", None),
    "ttl": ("expires_at", None),
    "timeout": ("timeout_seconds", None),
    "requires": ("requires", None),
    "tags": ("tags", []),
    "meta": ("meta", {}),
}


def read_changes(pairs: Iterable[str]) -> Changes:
    """What `--set` words say. Raises UsageError with the nearest name."""
    changes: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if name not in FIELDS:
            from difflib import get_close_matches  # noqa: PLC0415 - only for who slips

            near = get_close_matches(name, FIELDS, 1)
            hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(FIELDS)}"
            raise click.UsageError(f"--set {pair!r}: there is no {name!r} to set: {hint}")
        if not equals:
            raise click.UsageError(f"--set {pair!r}: write {name}=VALUE")
        field, read = FIELDS[name]
        if value == NONE and name in NONES:
            field, found = NONES[name]
        elif value == NOW and name == "run_at":
            found = None
        else:
            found = value_of(name, value, read)
        changes[field] = found
    return cast("Changes", changes)


def value_of(name: str, word: str, read: Reader) -> Any:
    """One value; what stands where says whose it is."""
    try:
        return read(word)
    except click.UsageError as exc:
        other = f" (or {NONE})" if name in NONES else ""
        raise click.UsageError(f"--set {name}: {exc.message}{other}") from None
