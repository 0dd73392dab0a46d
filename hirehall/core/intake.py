"""From what a submitter says to a job: names checked, times read, lane found, id given."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec

from hirehall.core.operations import NewJob
from hirehall.errors import BadRequest, TooLarge
from hirehall.model import COUNTER_BITS, KEEP_SECONDS, MAX_ATTEMPTS, MAX_BODY, JobSpec, Rules, State, first_id
from hirehall.model import EPOCH_MS as EPOCH

COUNTER_MASK = (1 << 12) - 1
QUEUE_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-")
LONGEST_SECONDS = 100 * 366 * 86_400.0
MAX_PRIORITY = 1 << 31
MAX_TRIES = 1_000_000
MAX_LABEL = 1 << 63
MAX_LABELS = 32
MAX_META = 4096  # bytes of JSON: it shares a line with the payload
BACKOFFS = frozenset({"constant", "linear", "exponential"})


class Ids:
    """Hands out ids: strictly growing, whatever the wall clock does."""

    def __init__(self, database: int, last: int) -> None:
        self._database = database
        self.last = last
        self._wall_ms = 0

    def take(self, wall_ms: int) -> int:
        """The next id; `wall_ms` is epoch milliseconds."""
        following = self.last + 1
        if following & COUNTER_MASK == 0:  # this millisecond is used up: borrow from the next
            following = first_id((self.last >> COUNTER_BITS) + EPOCH + 1, self._database)
        if wall_ms > self._wall_ms:
            self._wall_ms = wall_ms
            following = max(following, first_id(wall_ms, self._database))
        self.last = following
        return following


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
        raise BadRequest(f"{what} is {seconds}: give seconds from {least:g} to {LONGEST_SECONDS:g}")


def check_labels(labels: Mapping[str, object]) -> None:
    """Label names are names; text values hold no NUL and at most 128 characters; there are not too many."""
    if len(labels) > MAX_LABELS:
        raise BadRequest(f"{len(labels)} labels: name at most {MAX_LABELS}")
    for name, value in labels.items():
        check_name("label", name)
        for item in value if isinstance(value, list) else (value,):
            if isinstance(item, str) and (len(item) > 128 or "\0" in item):
                raise BadRequest(f"label {name!r}: a text value has at most 128 characters and no NUL")
            if isinstance(item, int | float) and not -MAX_LABEL <= item <= MAX_LABEL:
                raise BadRequest(f"label {name!r}: a number lies between -2^63 and 2^63")


def lane_key(spec: JobSpec, share: str) -> tuple[str, str, str, str, int]:
    """The LaneKey, as a plain tuple, that a job of this spec waits in. `check_lane` checks its names, once a lane."""
    requires = canonical(spec.requires) if spec.requires else "{}"
    return (spec.queue, spec.kind, requires, spec.share or share, spec.priority)


def canonical(labels: Mapping[str, object]) -> str:
    """Labels as one text that equal labels share."""
    return msgspec.json.encode(labels, order="sorted").decode()


def check_lane(spec: JobSpec) -> None:
    """Check everything that a lane is made of; a lane that exists needs no second look."""
    check_queue(spec.queue)
    check_name("kind", spec.kind)
    if spec.share is not None:
        check_name("share", spec.share)
    if spec.requires:
        check_labels(spec.requires)
    if not -MAX_PRIORITY <= spec.priority <= MAX_PRIORITY:
        raise BadRequest(f"priority {spec.priority}: give a number from {-MAX_PRIORITY} to {MAX_PRIORITY}")


def draft(spec: JobSpec, owner: str, session: int, wall_ms: int) -> NewJob:
    """The job of this spec, with no id and no lane yet: ready, or scheduled when its time is still to come."""
    if len(spec.payload) > MAX_BODY:
        raise TooLarge(f"the payload has {len(spec.payload)} bytes: at most {MAX_BODY} are accepted")
    job = NewJob(0, 0, spec, State.READY, owner, None, session if spec.follow else None, None, None)
    if _is_plain(spec):
        return job
    _check(spec)
    job.max_attempts = spec.max_attempts or MAX_ATTEMPTS
    job.keep_ms = round((KEEP_SECONDS if spec.keep_seconds is None else spec.keep_seconds) * 1000)
    job.rules = _rules(spec)
    job.expires_at = _time("expires_at", spec.expires_at, "ttl_seconds", spec.ttl_seconds, wall_ms)
    due = _time("run_at", spec.run_at, "delay_seconds", spec.delay_seconds, wall_ms)
    _schedule(job, due, wall_ms)
    return job


def _is_plain(spec: JobSpec) -> bool:
    return (
        spec.key is None
        and spec.run_at is None
        and spec.delay_seconds is None
        and spec.expires_at is None
        and spec.ttl_seconds is None
        and spec.timeout_seconds is None
        and spec.backoff is None
        and spec.meta is None
        and spec.max_attempts is None
        and spec.keep_seconds is None
    )


def _check(spec: JobSpec) -> None:
    if spec.key is not None:
        check_name("key", spec.key)
    for what in ("delay_seconds", "ttl_seconds", "keep_seconds"):
        check_seconds(what, getattr(spec, what))
    check_seconds("timeout_seconds", spec.timeout_seconds, 0.001)
    if spec.max_attempts is not None and not 1 <= spec.max_attempts <= MAX_TRIES:
        raise BadRequest(f"max_attempts is {spec.max_attempts}: give 1 to {MAX_TRIES}")
    _check_backoff(spec)
    for name, text in (spec.meta or {}).items():
        check_name("meta", name)
        if "\0" in text:
            raise BadRequest(f"meta {name!r}: a text holds no NUL")
    if spec.meta and len(msgspec.json.encode(spec.meta)) > MAX_META:
        raise BadRequest(f"meta takes more than {MAX_META} bytes: put what the worker needs into the payload")


def _check_backoff(spec: JobSpec) -> None:
    rule = spec.backoff
    if rule is None:
        return
    if rule.kind not in BACKOFFS:
        raise BadRequest(f"backoff kind {rule.kind[:40]!r}: use one of {', '.join(sorted(BACKOFFS))}")
    check_seconds("backoff base_seconds", rule.base_seconds)
    check_seconds("backoff max_seconds", rule.max_seconds)
    if not 0.0 <= rule.jitter <= 1.0:
        raise BadRequest(f"backoff jitter is {rule.jitter}: give 0 to 1")


def _rules(spec: JobSpec) -> bytes | None:
    if spec.timeout_seconds is None and spec.backoff is None and not spec.meta:
        return None
    return msgspec.json.encode(Rules(spec.timeout_seconds, spec.backoff, spec.meta))


def _schedule(job: NewJob, due: int | None, wall_ms: int) -> None:
    if due is not None and due > wall_ms:
        job.state = State.SCHEDULED
        job.wake_at = due if job.expires_at is None else min(due, job.expires_at)
    else:
        job.wake_at = job.expires_at


def _time(name: str, at: str | float | None, after: str, seconds: float | None, wall_ms: int) -> int | None:
    """Epoch milliseconds from the one of two fields that was given."""
    if at is not None and seconds is not None:
        raise BadRequest(f"give {name} or {after}, not both")
    if seconds is not None:
        return wall_ms + round(seconds * 1000)
    return None if at is None else read_time(name, at)


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
