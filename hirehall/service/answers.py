"""The ways in which a command is answered besides at once, and the views that answers are made of."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from msgspec import UNSET, Raw, Struct

from hirehall.core.operations import Change
from hirehall.core.workers import Lease
from hirehall.errors import Damaged, HallError, Unknown
from hirehall.model import DEFAULT_BACKOFF, NULL, State, StoredFile, StoredJob, id_created_ms, id_text
from hirehall.ports import Found, Query, Search
from hirehall.wire.codec import encode
from hirehall.wire.replies import ErrorBody, ErrorReply, FileView, JobView


class AfterCommit(Struct):
    """The answer needs what the store says: `make` is called when the command's batch is durable."""

    make: Callable[[], Struct | dict[str, Any] | Raw | None]


class AfterRow(Struct):
    """The answers to commands in a row that had these `refs`, as lines: `make` is called when their batch is
    durable."""

    refs: list[Raw]
    make: Callable[[], list[bytes]]


class AfterRead(Struct):
    """The answer is made of what the store answers to `queries`, asked when everything before it is durable. `make` may
    ask on, with another AfterRead."""

    queries: tuple[Query[Any], ...]
    make: Callable[..., Any]


class AfterSearch(Struct):
    """The answer is made of a search, which takes its time: only this session's later answers wait for it."""

    query: Search
    make: Callable[[Found], Struct]


Answer = Struct | dict[str, Any] | Raw | None
Asked = Answer | AfterCommit | AfterRead | AfterSearch  # what a command gives


def error_reply(error: HallError) -> ErrorReply:
    """`error` as a reply; the caller adds the ref."""
    return ErrorReply(error=ErrorBody(error.code, error.message))


def error_line(error: HallError, ref: Raw) -> bytes:
    """`error` as the reply to the request that had this `ref`, or none."""
    return encode(ErrorReply(error=ErrorBody(error.code, error.message), ref=ref or UNSET))


MISTAKE = Unknown("the hall failed at this, and its log says how; it may have happened or not")


def mistake() -> ErrorReply:
    """What is answered when something of ours went wrong that has been logged."""
    return error_reply(MISTAKE)


def damaged(change: Change) -> Damaged:
    """Why a change was not made of a job that cannot be read."""
    return Damaged(f"job {id_text(change.id)} cannot be read, so nothing of it can change: the hall's disk is damaged")


@lru_cache(maxsize=256)  # a busy hall says the same millisecond again and again
def rfc3339(ms: int | None) -> str | None:
    """Epoch milliseconds as people and programs read them."""
    if ms is None:
        return None
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def job_view(job: StoredJob, lease: Lease | None) -> JobView:
    """A stored job for the wire; `lease`, when it is in hand, knows the latest progress."""
    progress = lease.progress if lease is not None and lease.progress else job.progress
    view = JobView(
        id=id_text(job.id),
        kind=job.kind,
        queue=job.queue,
        state=job.state.word,
        attempt=job.attempt,
        max_attempts=job.max_attempts,
        forgiven=job.forgiven,
        priority=job.priority,
        share=job.share,
        requires=Raw(job.requires.encode()),
        key=job.key,
        error=_raw(job.fault if job.state is not State.SUCCEEDED else None),
        progress=_raw(progress),
        worker=job.worker,
        meta=job.rules.meta or {},
        tags=job.rules.tags or [],
        lock=job.rules.lock,
        after=list(map(id_text, job.rules.after or [])),
        created_at=rfc3339(id_created_ms(job.id)) or "",
        run_at=rfc3339(job.wake_at) if job.state is State.SCHEDULED else None,
        expires_at=rfc3339(job.expires_at),
        started_at=rfc3339(job.started_at),
        finished_at=rfc3339(job.finished_at),
        owner=job.owner,
        timeout_seconds=job.rules.timeout_seconds,
        backoff=job.rules.backoff or DEFAULT_BACKOFF,
        keep_seconds=job.keep_ms / 1000,
    )
    if job.payload is not None:
        view.files = list(map(file_view, job.files))
        view.payload, view.result, view.history = Raw(job.payload), _raw(job.result), _raw(job.history)
    return view


def file_view(file: StoredFile) -> FileView:
    """A stored file for the wire."""
    return FileView(file.direction.name.lower(), file.name, file.sha256, file.md5, file.bytes)


def _raw(stored: bytes | None) -> Raw:
    return NULL if stored is None else Raw(stored)
