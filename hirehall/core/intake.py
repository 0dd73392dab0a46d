"""From what a submitter says to a job: names checked, times read, lane found, id given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec
from msgspec import Raw

from hirehall.core.checks import (
    check_attempts,
    check_backoff,
    check_labels,
    check_meta,
    check_name,
    check_priority,
    check_queue,
    check_seconds,
    check_tags,
    read_time,
)
from hirehall.core.filing import check_files
from hirehall.core.operations import NewJob
from hirehall.core.queues import QueueLine
from hirehall.errors import BadRequest, TooLarge
from hirehall.model import (
    COUNTER_BITS,
    DEFAULT_SETTINGS,
    MAX_BODY,
    Backoff,
    JobSpec,
    PartialSpec,
    Rules,
    State,
    first_id,
    id_number,
    stored_rules,
)
from hirehall.model import EPOCH_MS as EPOCH

DRAFT_MS = 86_400_000  # a draft that nobody commits is discarded then
COUNTER_MASK = (1 << 12) - 1
MAX_AFTER = 1_000

Said = TypeVar("Said", JobSpec, PartialSpec)
Lot = tuple[JobSpec, list[Raw]]  # jobs that differ in their payload only: what they share, and the payload of each


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

    def take_many(self, count: int, wall_ms: int) -> Iterable[int]:
        """The next `count` ids."""
        first = self.take(wall_ms)
        if (first & COUNTER_MASK) + count <= COUNTER_MASK:
            self.last = first + count - 1
            return range(first, first + count)
        return [first, *(self.take(wall_ms) for _ in range(count - 1))]


def alike(said: Sequence[Said]) -> list[tuple[Said, list[Any]]]:
    """What submitters say about jobs, in lots of neighbours that differ in their payload only: the first of each, and
    the payloads of all."""
    first, payloads = said[0], [said[0].payload]
    lots = [(first, payloads)]
    for one in said[1:]:
        payload, one.payload = one.payload, first.payload
        try:
            is_alike = one == first  # the whole at once, much faster than one field after the other
        finally:
            one.payload = payload
        if is_alike and (not one.requires or _same_labels(one.requires, first.requires)):
            payloads.append(payload)
        else:
            first, payloads = one, [payload]
            lots.append((first, payloads))
    return lots


def _same_labels(some: object, others: object) -> bool:
    """Also by their types: to Python, 1 and true are equal."""
    return msgspec.json.encode(some, order="sorted") == msgspec.json.encode(others, order="sorted")


def lane_key(spec: JobSpec, share: str) -> tuple[str, str, str, str, int]:
    """The LaneKey, as a plain tuple, that a job of this spec waits in. `check_lane` checks its names, once a lane."""
    requires = canonical(spec.requires) if spec.requires else "{}"
    return (spec.queue, spec.kind, requires, share if spec.share is None else spec.share, spec.priority)


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
    check_priority(spec.priority)


def draft(spec: JobSpec, line: QueueLine, owner: str, session: int, wall_ms: int) -> NewJob:
    """The job of this spec, with no id and no lane yet: ready, blocked, or scheduled when its time is still to come.
    What the spec leaves out is as its queue's `line` says."""
    job = NewJob(0, 0, spec, spec.payload, State.READY, owner, None, session if spec.follow else None, None, None)
    settings = line.settings
    if settings is DEFAULT_SETTINGS and _is_plain(spec):
        return job
    _check(spec)
    job.max_attempts = settings.max_attempts if spec.max_attempts is None else spec.max_attempts
    job.keep_ms = round((settings.keep_seconds if spec.keep_seconds is None else spec.keep_seconds) * 1000)
    job.after = read_ids(spec.after or [])
    job.is_gated, job.has_tags = spec.lock is not None or bool(job.after), bool(spec.tags)
    job.expires_at = read_moment("expires_at", spec.expires_at, "ttl_seconds", spec.ttl_seconds, wall_ms)
    due = read_moment("run_at", spec.run_at, "delay_seconds", spec.delay_seconds, wall_ms)
    rules = _rules(spec, job.after, spec.backoff or settings.backoff, due if spec.draft else None)
    job.rules = stored_rules(rules)
    _schedule(job, due, wall_ms)
    if spec.draft:  # its gates are those that it finds at its commit
        job.state, job.wake_at, job.is_gated = State.DRAFT, wall_ms + DRAFT_MS, False
    return job


def check_sizes(payloads: list[Raw]) -> None:
    """Raise TooLarge when one of these would not fit into a line."""
    largest = max(map(len, payloads))
    if largest > MAX_BODY:
        raise TooLarge(f"the payload has {largest} bytes: at most {MAX_BODY} are accepted")


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
        and spec.lock is None
        and spec.after is None
        and spec.tags is None
        and spec.files is None
        and not spec.draft
    )


def _check(spec: JobSpec) -> None:
    for what in ("key", "lock"):
        name = getattr(spec, what)
        if name is not None:
            check_name(what, name)
    for what in ("delay_seconds", "ttl_seconds", "keep_seconds"):
        check_seconds(what, getattr(spec, what))
    check_seconds("timeout_seconds", spec.timeout_seconds, 0.001)
    check_attempts(spec.max_attempts)
    check_backoff(spec.backoff)
    check_tags(spec.tags or [])
    check_meta(spec.meta or {})
    check_files(spec.files or [])


def _rules(spec: JobSpec, after: tuple[int, ...], backoff: Backoff | None, due: int | None) -> Rules:
    tags = list(dict.fromkeys(spec.tags or []))
    return Rules(spec.timeout_seconds, backoff, spec.meta or None, tags or None, spec.lock, list(after) or None, due)


def _schedule(job: NewJob, due: int | None, wall_ms: int) -> None:
    if due is not None and due > wall_ms:
        if job.expires_at is not None and job.expires_at <= due:
            raise BadRequest("the job would expire before it may start: let it expire later, or start sooner")
        job.state, job.wake_at = State.SCHEDULED, due
    else:
        job.state = State.BLOCKED if job.is_gated else State.READY
        job.wake_at = job.expires_at


def read_ids(texts: list[str]) -> tuple[int, ...]:
    """Job ids that a job waits for. Raises BadRequest for too many, or for what is no id."""
    if len(texts) > MAX_AFTER:
        raise BadRequest(f"after names {len(texts)} jobs: name at most {MAX_AFTER}")
    ids = {text: id_number(text) for text in texts}
    for text, number in ids.items():
        if number < 0:
            raise BadRequest(f"after: {text[:40]!r} is no job id: give ids as `submit` answered them")
    return tuple(ids.values())


def read_moment(name: str, at: str | float | None, after: str, seconds: float | None, wall_ms: int) -> int | None:
    """Epoch milliseconds from the one of two fields that was given."""
    if at is not None and seconds is not None:
        raise BadRequest(f"give {name} or {after}, not both")
    if seconds is not None:
        return wall_ms + round(seconds * 1000)
    return None if at is None else read_time(name, at)
