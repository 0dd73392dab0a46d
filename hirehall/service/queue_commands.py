"""Commands about queues: their settings, what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import msgspec
from msgspec import UNSET

from hirehall.core import checks
from hirehall.core.queues import OPEN, drained, paused
from hirehall.model import DEFAULT_BACKOFF, DEFAULT_SETTINGS, QueueSettings
from hirehall.ports import Count, Counts, OldestReady
from hirehall.service import scope
from hirehall.service.answers import AfterRead, rfc3339
from hirehall.service.sessions import Session
from hirehall.wire import replies, requests

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

SETTINGS = ("state", "max_running", "max_per_second", "max_waiting", "lock_limit", "max_attempts", "backoff",
            "keep_seconds")  # fmt: skip


def queue(hall: Hall, session: Session, message: requests.Queue) -> AfterRead:
    """Read a queue's settings, or set those that are given."""
    given = {name: value for name in SETTINGS if (value := getattr(message, name)) is not UNSET}
    return _set(hall, session, message.queue, given)


def pause(hall: Hall, session: Session, message: requests.Pause) -> AfterRead:
    """Take jobs, hand out none."""
    return _set(hall, session, message.queue, {"state": paused(_wanted(hall, message.queue).state)})


def drain(hall: Hall, session: Session, message: requests.Drain) -> AfterRead:
    """Take nothing more; what is there is handed out, unless the queue is paused."""
    return _set(hall, session, message.queue, {"state": drained(_wanted(hall, message.queue).state)})


def resume(hall: Hall, session: Session, message: requests.Resume) -> AfterRead:
    """Take jobs and hand them out again."""
    return _set(hall, session, message.queue, {"state": OPEN})


def _wanted(hall: Hall, name: str) -> QueueSettings:
    line = hall.core.hallway.lines.get(name)
    return DEFAULT_SETTINGS if line is None else line.wanted


def _set(hall: Hall, session: Session, name: str, given: dict[str, object]) -> AfterRead:
    checks.check_queue(name)
    scope.check_queue(session, name)
    if given:
        defaults = {field: getattr(DEFAULT_SETTINGS, field) for field in given}
        values = {field: defaults[field] if value is None else value for field, value in given.items()}
        hall.core.set_queue(name, msgspec.structs.replace(_wanted(hall, name), **values))
    queries = (Counts(queue=name), OldestReady())

    def make(counts: list[Count], oldest: dict[str, int]) -> replies.QueueReply:
        return replies.QueueReply(queue=_views(hall, [name], counts, oldest)[0])

    return AfterRead(queries, make)


def queues(hall: Hall, session: Session, message: requests.Queues) -> AfterRead:
    """Every queue that has jobs, workers or settings of its own."""

    def make(counts: list[Count], oldest: dict[str, int]) -> replies.QueuesReply:
        served = {name for crew in hall.core.hallway.crews.values() for name in crew.queues}
        names = {*(count.queue for count in counts), *served, *hall.core.hallway.set_lines}
        shown = sorted(scope.visible(session, frozenset(names)))
        return replies.QueuesReply(queues=_views(hall, shown, counts, oldest))

    return AfterRead((Counts(queues=session.identity.queues), OldestReady()), make)


def counts(hall: Hall, session: Session, message: requests.Counts) -> AfterRead:
    """How many jobs there are by queue, kind and state."""

    def make(found: list[Count]) -> replies.CountsReply:
        return replies.CountsReply(
            counts=[replies.CountView(one.queue, one.kind, one.state.word, one.jobs) for one in found]
        )

    return AfterRead((Counts(message.queue, message.kind, session.identity.queues),), make)


def _views(hall: Hall, names: Iterable[str], counts: list[Count], oldest: dict[str, int]) -> list[replies.QueueView]:
    jobs: dict[str, dict[str, int]] = {}
    for count in counts:
        states = jobs.setdefault(count.queue, {})
        states[count.state.word] = states.get(count.state.word, 0) + count.jobs
    return [_view(hall, name, jobs.get(name, {}), oldest.get(name)) for name in names]


def _view(hall: Hall, name: str, jobs: dict[str, int], oldest_ms: int | None) -> replies.QueueView:
    settings = _wanted(hall, name)
    return replies.QueueView(
        queue=name,
        state=settings.state,
        max_running=settings.max_running,
        max_per_second=settings.max_per_second,
        max_waiting=settings.max_waiting,
        lock_limit=settings.lock_limit,
        max_attempts=settings.max_attempts,
        backoff=settings.backoff or DEFAULT_BACKOFF,
        keep_seconds=settings.keep_seconds,
        jobs=jobs,
        workers=_workers(hall, name),
        oldest_waiting_at=rfc3339(oldest_ms),
    )


def _workers(hall: Hall, name: str) -> int:
    return sum(
        worker.session is not None
        for crew in hall.core.hallway.crews.values()
        if name in crew.queues
        for worker in crew.members
    )
