"""W3C trace context in a job's `meta`: from the span around a submit to one for each attempt, and to scripts.

OpenTelemetry is an extra (`hirehall[otel]`), and is used where the program around us has loaded it: who does not trace
pays for nothing. A trace is a help: whatever is wrong with one, the job goes its way without it.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec

PARENT, STATE = "traceparent", "tracestate"
MAX_META = 4096  # bytes of JSON that a hall takes
LONGEST_STATE = 512  # characters; the standard lets longer ones go
_PARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-[ -~]*)?")
_STATE = re.compile(r"[ -~]+")


def is_used() -> bool:
    """Whether this program traces."""
    return "opentelemetry.trace" in sys.modules


def of(meta: Mapping[str, str]) -> dict[str, str]:
    """The trace context that a job carries, as far as it is what the standard says."""
    parent, state = meta.get(PARENT, ""), meta.get(STATE, "")
    if not _PARENT.fullmatch(parent) or (parent.startswith("00") and len(parent) != 55):
        return {}
    is_list = len(state) <= LONGEST_STATE and _STATE.fullmatch(state)
    return {PARENT: parent, STATE: state} if is_list else {PARENT: parent}


def current() -> dict[str, str]:
    """The context of the span around the caller; nothing where there is none."""
    if not is_used():
        return {}
    try:
        from opentelemetry.trace.propagation.tracecontext import (  # noqa: PLC0415 - an extra
            TraceContextTextMapPropagator,
        )

        carrier: dict[str, str] = {}
        TraceContextTextMapPropagator().inject(carrier)
    except Exception:  # a submit must not fail for its trace
        return {}
    return of(carrier)


def carried(job: Mapping[str, object], context: Mapping[str, str]) -> Mapping[str, object]:
    """What is said of a job, with this context in its `meta`, unless it has one or has no room for it."""
    meta = job.get("meta") or {}
    if not context or not isinstance(meta, Mapping) or PARENT in meta:
        return job
    fuller = {**meta, **context}
    try:
        fits = len(msgspec.json.encode(fuller)) <= MAX_META
    except (TypeError, ValueError, RecursionError):  # the hall, or the encoder of the rest, will say what is wrong
        return job
    return {**job, "meta": fuller} if fits else job


def carried_by_all(jobs: Iterable[Mapping[str, object]], context: Mapping[str, str]) -> Iterable[Mapping[str, object]]:
    """Jobs of a bulk submit: those with a `meta` of their own do not take that of the submit."""
    return (carried(job, context) if job.get("meta") else job for job in jobs) if context else jobs


@contextmanager
def attempt(job: Any) -> Iterator[None]:
    """A span around one attempt of a delivered job, child of its submitter's."""
    from opentelemetry import trace  # noqa: PLC0415 - an extra
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    about: dict[str, str | int] = {
        "messaging.system": "hirehall",
        "messaging.operation.type": "process",
        "messaging.destination.name": job.queue,
        "messaging.message.id": job.id,
        "hirehall.kind": job.kind,
        "hirehall.attempt": job.attempt,
    }
    context = TraceContextTextMapPropagator().extract(of(job.meta))
    tracer = trace.get_tracer("hirehall")
    with tracer.start_as_current_span(f"process {job.kind}", context, kind=trace.SpanKind.CONSUMER, attributes=about):
        yield
