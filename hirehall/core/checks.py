"""What names, labels, durations and times may be; each check raises BadRequest naming the thing and the remedy."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from hirehall.errors import BadRequest
from hirehall.model import Backoff

QUEUE_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
LONGEST_SECONDS = 100 * 366 * 86_400.0
MAX_TRIES = 1_000_000
MAX_LABEL = 1 << 63
MAX_LABELS = 32
MAX_VALUES = 1_000  # in one list of an offer
BACKOFFS = frozenset({"constant", "linear", "exponential"})
MAX_TAGS = 32
MAX_PRIORITY = 1 << 31
MAX_META = 4096  # bytes of JSON: it shares a line with the payload


def check_queue(queue: str) -> None:
    """Queue names are 1 to 64 of A-Z a-z 0-9 _ -."""
    if not 1 <= len(queue) <= 64 or not QUEUE_LETTERS.issuperset(queue):
        raise BadRequest(f"queue {queue[:80]!r}: use 1 to 64 of the letters A-Z a-z 0-9 _ -")


def check_name(what: str, name: str) -> None:
    """Other names are 1 to 128 printable characters."""
    if not 1 <= len(name) <= 128 or not name.isprintable():
        raise BadRequest(f"{what} {name[:80]!r}: use 1 to 128 printable characters")


def check_seconds(what: str, seconds: float | None, least: float = 0.0) -> None:
    """Durations are finite, not negative, and under a hundred years."""
    if seconds is not None and not least <= seconds <= LONGEST_SECONDS:
        raise BadRequest(f"{what} is {seconds:g}: give {least:g} seconds or more, and less than a hundred years")


def check_labels(labels: Mapping[str, object]) -> None:
    """Label names are names; text values hold no NUL and at most 128 characters; there are not too many."""
    if len(labels) > MAX_LABELS:
        raise BadRequest(f"{len(labels)} labels: name at most {MAX_LABELS}")
    for name, value in labels.items():
        check_name("label", name)
        if isinstance(value, list) and len(value) > MAX_VALUES:
            raise BadRequest(f"label {name!r} has {len(value)} values: name at most {MAX_VALUES}")
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, str) and (len(item) > 128 or "\0" in item):
                raise BadRequest(f"label {name!r}: a text value has at most 128 characters and no NUL")
            if isinstance(item, int | float) and not -MAX_LABEL <= item <= MAX_LABEL:
                raise BadRequest(f"label {name!r}: a number lies between -2^63 and 2^63")


def check_backoff(rule: Backoff | None) -> None:
    """A kind that there is, durations, and a jitter from 0 to 1."""
    if rule is None:
        return
    if rule.kind not in BACKOFFS:
        raise BadRequest(f"backoff kind {rule.kind[:40]!r}: use one of {', '.join(sorted(BACKOFFS))}")
    check_seconds("backoff base_seconds", rule.base_seconds)
    check_seconds("backoff max_seconds", rule.max_seconds)
    if not 0.0 <= rule.jitter <= 1.0:
        raise BadRequest(f"backoff jitter is {rule.jitter}: give 0 to 1")


def check_priority(priority: int) -> None:
    """A number that a store can keep."""
    if not -MAX_PRIORITY <= priority <= MAX_PRIORITY:
        raise BadRequest(f"priority {priority}: give a number from {-MAX_PRIORITY} to {MAX_PRIORITY}")


def check_attempts(most: int | None) -> None:
    """At least one, and not without end."""
    if most is not None and not 1 <= most <= MAX_TRIES:
        raise BadRequest(f"max_attempts is {most}: give 1 to {MAX_TRIES}")


def check_tags(tags: list[str]) -> None:
    """Names, not too many."""
    if len(tags) > MAX_TAGS:
        raise BadRequest(f"{len(tags)} tags: give at most {MAX_TAGS}")
    for tag in tags:
        check_name("tag", tag)


def check_meta(meta: Mapping[str, str]) -> None:
    """Names and short texts; together they must fit on a line beside the payload."""
    for name, text in meta.items():
        check_name("meta", name)
        if "\0" in text:
            raise BadRequest(f"meta {name!r}: a text holds no NUL")
    if meta and len(msgspec.json.encode(meta)) > MAX_META:
        raise BadRequest(f"meta takes more than {MAX_META} bytes: put what the worker needs into the payload")


def read_time(name: str, at: str | float) -> int:
    """Epoch milliseconds of an RFC 3339 text (UTC when it names no zone) or of epoch seconds."""
    if isinstance(at, str):
        try:
            when = datetime.fromisoformat(at)
        except ValueError:
            raise BadRequest(f"{name} {at[:40]!r} is no time: write 2026-01-31T12:00:00Z or epoch seconds") from None
        at = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    if not 0 <= at <= 253_402_300_799:  # the end of the year 9999
        raise BadRequest(f"{name} is {at}: write a time between 1970 and 9999")
    return round(at * 1000)
