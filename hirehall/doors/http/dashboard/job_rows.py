"""One line for a job: what a list shows of it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from hirehall.doors.http.dashboard.times import millis, moment
from hirehall.doors.http.dashboard.wording import about, span
from hirehall.wire.replies import JobView

MAX_NOTE = 160


class Row(Struct):
    """`percent` is None where no progress is known; `note` says what else there is to know now."""

    id: str
    kind: str
    queue: str
    state: str
    worker: str
    percent: float | None
    note: str
    tags: list[str]
    created: str
    ago: str


def row(job: JobView, now_ms: int) -> Row:
    """A job as a line."""
    percent, text = progress(job)
    created = millis(job.created_at)
    return Row(
        id=job.id,
        kind=job.kind,
        queue=job.queue,
        state=job.state,
        worker=job.worker or "",
        percent=percent if job.state == "running" else None,
        note=_note(job, text, now_ms)[:MAX_NOTE],
        tags=job.tags,
        created=moment(created),
        ago=f"{about((now_ms - (created or 0)) / 1000)} ago",
    )


def progress(job: JobView) -> tuple[float | None, str]:
    """How far it is, and its own words for that."""
    note: dict[str, Any] = msgspec.json.decode(job.progress) or {}
    return note.get("percent"), str(note.get("text") or "")


def fault(job: JobView) -> dict[str, str] | None:
    """Why it ended, or why the last attempt did."""
    found: dict[str, str] | None = msgspec.json.decode(job.error)
    return found


def error_line(error: dict[str, str] | None) -> str:
    """An error in one line; the hall's own words need no type."""
    if not error:
        return ""
    kind, message = error.get("type", ""), error.get("message", "")
    first = message.splitlines()[0] if message else ""
    ours = kind in ("Timeout", "WorkerLost", "ParentFailed", "Error", "")
    return first if ours and first else f"{kind}: {first}".rstrip(": ")


def _note(job: JobView, text: str, now_ms: int) -> str:
    if job.state == "running":
        return text
    if job.state == "scheduled":
        due = about(((millis(job.run_at) or now_ms) - now_ms) / 1000)
        tried = job.attempt - job.forgiven
        return f"again in {due}, attempt {tried + 1} of {job.max_attempts}" if tried else f"due in {due}"
    if job.state == "blocked":
        waits = job.after[0] if job.after else f"lock {job.lock}"
        return f"waits for {waits}" + (f" and {len(job.after) - 1} more" if len(job.after) > 1 else "")
    if job.state == "succeeded":
        attempts = f", {job.attempt} attempts" if job.attempt > 1 else ""
        return f"took {took(job)}{attempts}" if took(job) else ""
    return error_line(fault(job))


def took(job: JobView) -> str:
    """How long its last attempt took."""
    began, ended = millis(job.started_at), millis(job.finished_at)
    return "" if began is None or ended is None else span((ended - began) / 1000)
