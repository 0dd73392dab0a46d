"""What the core wants said, in the words that each session understands."""

from __future__ import annotations

from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec
from msgspec import Raw

from hirehall.core.effects import Effects, End
from hirehall.core.operations import Claimed
from hirehall.model import MAX_MESSAGE, NULL, WORDS, Rules, id_text
from hirehall.service import deputy
from hirehall.service.sessions import Session
from hirehall.wire.replies import Delivery, Ended, EndPush, RunPush, Stop, StopPush

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

ROOM = MAX_MESSAGE - 65_536  # a line is cut before it holds more than this; one job always fits

NO_META: dict[str, str] = {}


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
    if not job.rules:
        payload = Raw(job.payload)
        return Delivery(id_text(job.id), job.attempt, job.kind, job.queue, payload, job.lease_seconds, None, NO_META)
    rules = msgspec.json.decode(job.rules, type=Rules)
    return Delivery(
        id_text(job.id), job.attempt, job.kind, job.queue, Raw(job.payload), job.lease_seconds, rules.timeout_seconds,
        rules.meta or {},
    )  # fmt: skip


def _ends(hall: Hall, ends: list[End], told: dict[int, Session]) -> None:
    lines: dict[int, _EndLine] = {}
    for follow, several in groupby(ends, attrgetter("follow")):
        session = hall.sessions.get(follow) if follow is not None else None
        if session is not None:
            told[session.number] = session
            line = lines.setdefault(session.number, _EndLine(session))
            for end in several:
                line.add(end)
    for line in lines.values():
        line.put()


class _EndLine:
    """What one session hears of ends, in as few lines as they fit into."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._asked = session.deputy.asked if session.deputy is not None else ()
        self._ended: list[Ended] = []
        self._size = 0

    def add(self, end: End) -> None:
        if end.id in self._asked:
            deputy.end(self._session, end)
            return
        result = NULL if end.result is None else Raw(end.result)
        fault = NULL if end.fault is None else Raw(end.fault)
        size = len(result) + len(fault) + 100
        if self._size + size > ROOM:
            self.put()
        self._size += size
        self._ended.append(Ended(id_text(end.id), WORDS[end.state], result, fault))

    def put(self) -> None:
        if self._ended:
            self._session.put_behind(EndPush(self._ended))
        self._ended, self._size = [], 0
