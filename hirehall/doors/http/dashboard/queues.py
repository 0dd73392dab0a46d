"""Queues: all of them, and one with its settings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from hirehall import spans
from hirehall.doors.http.dashboard.times import seconds_since
from hirehall.doors.http.dashboard.view import Ask, Facts, Params, View
from hirehall.doors.http.dashboard.wording import span
from hirehall.errors import BadRequest, NotFound
from hirehall.model import DEFAULT_BACKOFF, Backoff
from hirehall.wire import glance, replies, requests

MOST = 500  # that the hall tells at once
ACTS = {"pause": requests.Pause, "resume": requests.Resume, "drain": requests.Drain}
DONE = {"pause": "is paused", "resume": "is open again", "drain": "takes no more jobs"}
Reader = Callable[[str], Any]


def _number(what: str, kind: type[float]) -> Reader:
    def read(text: str) -> Any:
        try:
            return msgspec.convert(text, kind, strict=False)
        except msgspec.ValidationError:
            raise BadRequest(f"give {what}, or nothing for the default") from None

    return read


def _span(text: str) -> float:
    seconds = spans.read_span(text)
    if seconds is None:
        raise BadRequest("write a time like 90 s, 36 h or 1 day, or nothing for the default")
    return seconds


FIELDS: dict[str, Reader] = {
    "max_running": _number("a whole number", int),
    "max_waiting": _number("a whole number", int),
    "lock_limit": _number("a whole number", int),
    "max_attempts": _number("a whole number", int),
    "max_per_second": _number("a number", float),
    "keep_seconds": _span,
}
OF_BACKOFF = "backoff_"  # before the names of its fields
BACKOFF: dict[str, Reader] = {
    "backoff_kind": str,
    "backoff_base_seconds": _span,
    "backoff_max_seconds": _span,
    "backoff_jitter": _number("a number from 0 to 1", float),
}
MAX_TEXT = 100  # characters in a field


async def _all(ask: Ask, params: Params) -> Facts:
    reply = await ask(requests.Overview(limit=MOST))
    return {"glance": reply.overview, "queues": sorted(reply.overview.queues, key=lambda queue: queue.queue)}


async def _one(ask: Ask, params: Params) -> Facts:
    name = params["queue"]
    known: replies.QueuesReply = await ask(requests.Queues())
    settings = next((queue for queue in known.queues if queue.queue == name), None)
    if settings is None:  # nothing is set on it, nothing is in it: only who may set it needs to see it
        settings = (await ask(requests.Queue(queue=name))).queue
    overview: glance.Glance = (await ask(requests.Overview(limit=MOST))).overview
    crew: replies.WorkersReply = await ask(requests.Workers())
    seen = next((queue for queue in overview.queues if queue.queue == name), None)
    serving = [worker for worker in crew.workers if name in worker.queues]
    return {
        "settings": settings,
        "oldest": None if settings.oldest_waiting_at is None else span(seconds_since(settings.oldest_waiting_at)),
        "seen": seen,
        "serving": serving,
        "unserved_here": [kind for kind in overview.unserved if kind.queue == name],
    }


def order(name: str, do: str) -> requests.Request:
    """What a button says to the hall."""
    if do not in ACTS:
        raise NotFound(f"there is nothing called {do[:40]!r} to do with a queue")
    return ACTS[do](queue=name)


def setting(name: str, form: dict[str, str]) -> requests.Queue:
    """What the form says; an empty field is the default."""
    rule = {field: text for field, text in form.items() if field.startswith(OF_BACKOFF)}
    given = {field: _read(FIELDS, field, text) for field, text in form.items() if field not in rule}
    if rule:
        given["backoff"] = _backoff(rule)
    return requests.Queue(queue=name, **given)


def _backoff(form: Mapping[str, str]) -> Backoff | None:
    found = {field.removeprefix(OF_BACKOFF): _read(BACKOFF, field, text) for field, text in form.items()}
    rule = Backoff(**{field: value for field, value in found.items() if value is not None})
    return None if rule == DEFAULT_BACKOFF else rule


def _read(fields: Mapping[str, Reader], field: str, text: str) -> Any:
    """What stands in a field; None for nothing."""
    if field not in fields:
        raise BadRequest(f"a queue has no setting {field[:40]!r}")
    if not text.strip():
        return None
    if len(text) > MAX_TEXT:
        raise BadRequest(f"{field} has more than {MAX_TEXT} characters")
    try:
        return fields[field](text.strip())
    except BadRequest as exc:
        raise BadRequest(f"{field} is {text.strip()[:40]!r}: {exc.message}") from None


QUEUES = View(
    name="queues", path="/queues", place="queues", needs=(requests.Overview,), facts=_all, parts=("queue-rows",)
)
QUEUE = View(
    name="queue",
    path="/queues/{queue}",
    place="queues",
    needs=(requests.Queues, requests.Overview, requests.Workers),
    facts=_one,
    parts=("queue-head", "queue-alarms", "queue-figures", "queue-crew"),
    params=("queue",),
)
