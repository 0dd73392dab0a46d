"""A job as `--json` prints it: what the hall said, with every time also as a date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hirehall.client.jobs import JobInfo

NOT_IN_PAGES = ("payload", "result", "history", "files")  # a list of jobs does not carry them: absent is not null


def whole(job: JobInfo) -> dict[str, Any]:
    """What `get` and `wait` know."""
    fields = {name: getattr(job, name) for name in job.__struct_fields__}
    fields["history"] = [dated(past) for past in job.history] if isinstance(job.history, list) else job.history
    fields["progress"] = dated(job.progress)
    return fields


def in_page(job: JobInfo) -> dict[str, Any]:
    """What `find` knows."""
    fields = whole(job)
    return {name: value for name, value in fields.items() if name not in NOT_IN_PAGES}


def dated(note: Any) -> Any:
    """`at` beside `at_ms`, as all other times are said."""
    if not isinstance(note, dict) or not isinstance(note.get("at_ms"), int):
        return note
    at = datetime.fromtimestamp(note["at_ms"] / 1000, UTC).isoformat(timespec="milliseconds")
    return {**note, "at": at.replace("+00:00", "Z")}
