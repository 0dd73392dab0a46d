"""Queues: all of them, and one with its settings."""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall.doors.http.dashboard.view import Ask, Facts, Params, View
from hirehall.errors import BadRequest, NotFound
from hirehall.wire import glance, replies, requests

MOST = 500  # that the hall tells at once
ACTS = {"pause": requests.Pause, "resume": requests.Resume, "drain": requests.Drain}
DONE = {"pause": "is paused", "resume": "is open again", "drain": "takes no more jobs"}
WHOLE = ("max_running", "max_waiting", "lock_limit", "max_attempts")
PARTS_OF_ONE = ("max_per_second", "keep_seconds")


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
        "seen": seen,
        "serving": serving,
        "unserved": [kind for kind in overview.unserved if kind.queue == name],
    }


def order(name: str, do: str) -> requests.Request:
    """What a button says to the hall."""
    if do not in ACTS:
        raise NotFound(f"there is nothing called {do[:40]!r} to do with a queue")
    return ACTS[do](queue=name)


def setting(name: str, form: dict[str, str]) -> requests.Queue:
    """What the form says; an empty field is the default."""
    given: dict[str, Any] = {}
    for field, text in form.items():
        if field not in WHOLE and field not in PARTS_OF_ONE:
            raise BadRequest(f"a queue has no setting {field[:40]!r}")
        given[field] = _read(field, text.strip())
    return requests.Queue(queue=name, **given)


def _read(field: str, text: str) -> Any:
    if not text:
        return None
    try:
        return msgspec.convert(text, int if field in WHOLE else float, strict=False)
    except msgspec.ValidationError:
        sort = "a whole number" if field in WHOLE else "a number"
        raise BadRequest(f"{field} is {text[:40]!r}: give {sort}, or nothing for the default") from None


QUEUES = View(name="queues", path="/queues", place="queues", facts=_all, parts=("queue-rows",))
QUEUE = View(
    name="queue",
    path="/queues/{queue}",
    place="queues",
    facts=_one,
    parts=("queue-head", "queue-alarms", "queue-figures", "queue-crew"),
    params=("queue",),
)
