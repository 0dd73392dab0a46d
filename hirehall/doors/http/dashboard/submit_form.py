"""The form of a job, empty or as another one was."""

from __future__ import annotations

from msgspec import Struct

from hirehall.doors.http.dashboard.bodies import body
from hirehall.wire.replies import JobView


class Form(Struct):
    """What stands in the fields."""

    kind: str = ""
    queue: str = ""
    payload: str = ""
    key: str = ""
    tags: str = ""
    priority: str = ""
    delay_seconds: str = ""
    timeout_seconds: str = ""
    max_attempts: str = ""
    requires: str = ""


def again(job: JobView) -> Form | None:
    """The fields as this job had them; its key is not taken over, for it would name this one. None when its payload is
    too large to stand in a field."""
    payload = body(job.payload)
    if payload is not None and payload.is_short:
        return None
    requires = bytes(job.requires).decode()
    return Form(
        kind=job.kind,
        queue=job.queue,
        payload=payload.text if payload is not None else "",
        tags=", ".join(job.tags),
        priority=str(job.priority) if job.priority else "",
        max_attempts=str(job.max_attempts),
        requires="" if requires in ("{}", "null") else requires,
    )
