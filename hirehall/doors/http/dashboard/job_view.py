"""Everything about one job, as its page shows it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct

from hirehall import spans
from hirehall.doors.http.dashboard import job_rows
from hirehall.doors.http.dashboard.bodies import Body, body
from hirehall.doors.http.dashboard.concerned import ENDED, VERBS
from hirehall.doors.http.dashboard.times import millis, moment, time_of_day
from hirehall.doors.http.dashboard.wording import labels, size, span
from hirehall.model import Backoff
from hirehall.wire.large import reference, referred
from hirehall.wire.replies import FileView, JobView

HOW = {
    "fail": ("failed", "failed"),
    "timeout": ("failed", "ran out of time"),
    "lose": ("failed", "was lost with its worker"),
    "release": ("ready", "was given back"),
    "cancel": ("cancelled", "was cancelled"),
}
MAX_TRACE = 32 << 10
MAX_REFERENCE = 1 << 10  # bytes
SESSION = "~"  # a session without a token owns what it submits


class Moment(Struct):
    """Something in a job's life. `hue` is the state that its colour stands for."""

    hue: str
    name: str
    what: str
    detail: str
    at: str
    clock: str
    trace: str = ""


class Shown(Struct, kw_only=True):
    """What the template needs."""

    job: JobView
    percent: float | None
    text: str
    so_far: str
    moments: list[Moment]
    attempts: list[int]
    requires: list[str]
    error: dict[str, str] | None
    files: list[tuple[FileView, str]]
    result_file: FileView | None  # where the result lies that was too large for a line
    owner: str
    backoff: str
    kept: str

    @property
    def payload(self) -> Body | None:
        """What the worker gets."""
        return body(self.job.payload)

    @property
    def result(self) -> Body | None:
        """What the worker answered, unless that is in a file."""
        return None if self.result_file is not None else body(self.job.result)

    @property
    def is_over(self) -> bool:
        """Whether it has ended."""
        return self.job.state in ENDED

    @property
    def can_be_tried_again(self) -> bool:
        """Whether a person may have it tried again."""
        return self.job.state in VERBS["retry"]

    @property
    def can_be_cancelled(self) -> bool:
        """Whether there is something left to end."""
        return self.job.state in VERBS["cancel"]


def shown(job: JobView, now_ms: int) -> Shown:
    """A job as its page shows it."""
    percent, text = job_rows.progress(job)
    began = millis(job.started_at)
    running = job.state == "running" and began is not None
    return Shown(
        job=job,
        percent=percent,
        text=text,
        so_far=f"{span(max(now_ms - (began or 0), 0) // 1000)} so far" if running else "",
        moments=moments(job, now_ms),
        attempts=list(range(job.attempt, max(job.attempt - 50, 0), -1)),
        requires=labels(msgspec.json.decode(job.requires)),
        error=_error(job),
        files=[(file, size(file.bytes)) for file in job.files] if job.files is not UNSET else [],
        result_file=result_file(job),
        owner=owner(job),
        backoff=_backoff(job.backoff),
        kept=spans.written(job.keep_seconds),
    )


def owner(job: JobView) -> str:
    """Whose it is, as people say it: who has no token has no name."""
    return "somebody without a token" if job.owner.startswith(SESSION) else job.owner


def _backoff(rule: Backoff) -> str:
    first, most = spans.written(rule.base_seconds), spans.written(rule.max_seconds)
    return first if rule.kind == "constant" else f"{rule.kind}, {first} to {most}"


def result_file(job: JobView) -> FileView | None:
    """The output that the result refers to: a result too large for a line is exactly a name, a digest and a length."""
    if job.result is UNSET or job.files is UNSET or len(bytes(job.result)) > MAX_REFERENCE:
        return None
    place = reference(msgspec.json.decode(job.result))
    return None if place is None else referred(place, job.files)


def _error(job: JobView) -> dict[str, str] | None:
    error = job_rows.fault(job)
    if error is None:
        return None
    return {name: str(error.get(name, ""))[:MAX_TRACE] for name in ("type", "message", "trace")}


def moments(job: JobView, now_ms: int) -> list[Moment]:
    """Its life, the first thing first."""
    history = msgspec.json.decode(job.history) if job.history is not UNSET else None
    past: list[dict[str, Any]] = history or []
    lived = [_moment("ready", "Submitted", "", "", millis(job.created_at))]
    lived += list(map(_attempt, past))
    now = _now(job, past, now_ms)
    return [*lived, now] if now is not None else lived


def _attempt(entry: dict[str, Any]) -> Moment:
    """An attempt that has ended without success."""
    hue, words = HOW.get(entry["how"], ("cancelled", f"ended by {entry['how']}"))
    began, ended = entry.get("began_ms"), entry["at_ms"]  # a hall of an earlier version kept no begin
    lasted = "" if began is None else f" after {span(max(ended - began, 0) / 1000)}"
    where = f" on {entry['worker']}" if entry.get("worker") else ""
    error = entry.get("error")
    made = _moment(hue, f"Attempt {entry['attempt']}", f"{words}{where}{lasted}", job_rows.error_line(error), ended)
    made.trace = str((error or {}).get("trace", ""))[:MAX_TRACE]
    return made


def _now(job: JobView, past: list[dict[str, Any]], now_ms: int) -> Moment | None:
    """Where it is, or how it ended, unless the last attempt said that."""
    where = f" on {job.worker}" if job.worker else ""
    number = f"Attempt {job.attempt}"
    if job.state == "running":
        return _moment("running", number, f"runs{where}", "", millis(job.started_at))
    if job.state == "succeeded":
        lasted = f" after {job_rows.took(job)}" if job_rows.took(job) else ""
        return _moment("succeeded", number, f"succeeded{where}{lasted}", "", millis(job.finished_at))
    if job.state == "scheduled":
        run_at = millis(job.run_at)
        due = span(max((run_at or now_ms) - now_ms, 0) / 1000)
        return _moment("scheduled", f"Attempt {job.attempt + 1}", f"is due in {due}", "", run_at)
    if job.state in ENDED:
        said = (
            bool(past)
            and past[-1]["attempt"] == job.attempt
            and past[-1]["how"] in ("fail", "timeout", "cancel", "lose")
        )
        if said and job.state in ("failed", "cancelled"):
            return None
        return _moment(
            job.state, job.state.capitalize(), "", job_rows.error_line(job_rows.fault(job)), millis(job.finished_at)
        )
    words = {"ready": "Waits for a worker", "blocked": "Waits for others", "draft": "Waits for its files"}
    return _moment(job.state, words.get(job.state, job.state), "", "", None)


def _moment(hue: str, name: str, what: str, detail: str, at: int | None) -> Moment:
    return Moment(hue, name, what, detail, moment(at), time_of_day(at))
