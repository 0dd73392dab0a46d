"""The form of a job, empty or as another one was."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Struct

from hirehall import spans
from hirehall.doors.http.dashboard.bodies import body
from hirehall.wire.replies import JobView

OF_ONE_RUN = frozenset({"traceparent", "tracestate"})  # in `meta`: another run is another span


class Form(Struct):
    """What stands in the fields. `more` has no field: it is taken over as it was, and `words` say so."""

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
    more: str = ""  # JSON
    words: list[str] = []


def again(job: JobView) -> Form | None:
    """The fields as this job had them; its key is not taken over, for it would name this one. None when its payload is
    too large to stand in a field."""
    payload = body(job.payload)
    if payload is not None and payload.is_short:
        return None
    requires = bytes(job.requires).decode()
    more = _more(job)
    return Form(
        kind=job.kind,
        queue=job.queue,
        payload=payload.text if payload is not None else "",
        tags=", ".join(job.tags),
        priority=str(job.priority) if job.priority else "",
        timeout_seconds="" if job.timeout_seconds is None else f"{job.timeout_seconds:.10g}",
        max_attempts=str(job.max_attempts),
        requires="" if requires in ("{}", "null") else requires,
        more=msgspec.json.encode(more).decode(),
        words=_words(job, more),
    )


def _more(job: JobView) -> dict[str, Any]:
    """What a submit says of it beside the fields of the form."""
    meta = {name: text for name, text in job.meta.items() if name not in OF_ONE_RUN}
    inputs = [] if job.files is UNSET else [file for file in job.files if file.direction == "in"]
    found = {
        "share": "" if job.share == job.owner else job.share,
        "lock": job.lock,
        "meta": meta,
        "files": [{"name": file.name, "sha256": file.sha256} for file in inputs],
    }
    always = {"backoff": msgspec.to_builtins(job.backoff), "keep_seconds": job.keep_seconds}
    return {name: value for name, value in found.items() if value} | always


def _words(job: JobView, more: dict[str, Any]) -> list[str]:
    words = [f"file {file['name']}" for file in more.get("files", [])]
    words += [f"{name} {more[name]}" for name in ("lock", "share") if name in more]
    words += [f"{name}: {text}" for name, text in more.get("meta", {}).items()]
    return [*words, f"kept {spans.written(job.keep_seconds)} after its end"]
