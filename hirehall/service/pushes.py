"""What the core wants said, in the words that each session understands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from hirehall.core.effects import Effects, End
from hirehall.core.operations import Claimed
from hirehall.model import DEFAULT_RULES, MAX_MESSAGE, NULL, Rules, id_text
from hirehall.service import deputy
from hirehall.service.sessions import Session
from hirehall.wire.replies import Delivery, Ended, EndPush, RunPush, Stop, StopPush

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

ROOM = MAX_MESSAGE - 65_536  # a line is cut before it holds more than this; one job always fits


def push(hall: Hall, effects: Effects, told: dict[int, Session]) -> None:
    """Put every push to its session, and note in `told` who must be flushed."""
    for number, jobs in effects.runs.items():
        session = hall.sessions.get(number)
        if session is not None:
            told[number] = session
            _run(session, jobs)
    for order in effects.stops:
        session = hall.sessions.get(order.session)
        if session is not None and session.deputy is None:
            told[order.session] = session
            session.put(StopPush(Stop(id_text(order.id), order.attempt, order.why)))
    _ends(hall, effects.ends, told)
    for number in effects.closes:
        session = hall.sessions.get(number)
        if session is not None:
            session.connection.close()


def _run(session: Session, jobs: list[Claimed]) -> None:
    if session.deputy is not None:
        deputy.run(session, jobs)
        return
    line: list[Delivery] = []
    size = 0
    for job in jobs:
        if line and size + len(job.payload) > ROOM:
            session.put(RunPush(line))
            line, size = [], 0
        line.append(_delivery(job))
        size += len(job.payload) + 400
        job.payload = b""  # it is on its way: the lease needs only the rest
    session.put(RunPush(line))


def _delivery(job: Claimed) -> Delivery:
    rules = msgspec.json.decode(job.rules, type=Rules) if job.rules else DEFAULT_RULES
    return Delivery(
        id_text(job.id), job.attempt, job.kind, job.queue, Raw(job.payload), job.lease_seconds, rules.timeout_seconds,
        rules.meta or {},
    )  # fmt: skip


def _ends(hall: Hall, ends: list[End], told: dict[int, Session]) -> None:
    lines: dict[int, list[Ended]] = {}
    sizes: dict[int, int] = {}
    for end in ends:
        session = hall.sessions.get(end.follow) if end.follow is not None else None
        if session is None:
            continue
        told[session.number] = session
        if session.deputy is not None and end.id in session.deputy.asked:
            deputy.end(session, end)
            continue
        body = len(end.result or b"") + len(end.fault or b"") + 100
        if sizes.get(session.number, 0) + body > ROOM:
            session.put_behind(EndPush(lines.pop(session.number)))
            sizes[session.number] = 0
        sizes[session.number] = sizes.get(session.number, 0) + body
        lines.setdefault(session.number, []).append(_ended(end))
    for number, line in lines.items():
        told[number].put_behind(EndPush(line))


def _ended(end: End) -> Ended:
    result = Raw(end.result) if end.result is not None else NULL
    return Ended(id_text(end.id), end.state.word, result, Raw(end.fault) if end.fault else NULL)
