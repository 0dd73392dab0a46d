"""What the core wants said, in the words that each session understands."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from msgspec import UNSET

from hirehall.core.effects import Effects, End
from hirehall.core.operations import Claimed
from hirehall.model import FINAL, MAX_MESSAGE, NULL, WORDS, State, id_text, read_rules
from hirehall.service import deputy
from hirehall.service.sessions import Session
from hirehall.wire.forms import delivery_form, end_line, ended_form, result_form, run_line
from hirehall.wire.replies import Delivery, Stop, StopPush

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

ROOM = MAX_MESSAGE - 65_536  # a line is cut before it holds more than this; one job always fits

ENDED = {state: ended_form(WORDS[state]) for state in FINAL}
SUCCEEDED = result_form(WORDS[State.SUCCEEDED])


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
    line: list[bytes] = []
    size, form, like = 0, b"", None
    for job in jobs:
        if like is None or not _is_alike(job, like):
            form, like = _form(job), job
        delivery = form % (job.id, job.payload)
        job.payload = b""  # it is on its way: the lease needs only the rest
        size += len(delivery)
        if line and size > ROOM:
            session.put_lines([run_line(line)])
            line, size = [], len(delivery)
        line.append(delivery)
    session.put_lines([run_line(line)])


def _is_alike(job: Claimed, other: Claimed) -> bool:
    """Whether they are delivered with the same words. A lane has one queue and one kind."""
    return (
        job.lane == other.lane
        and job.attempt == other.attempt
        and job.rules == other.rules
        and job.lease_seconds == other.lease_seconds
        and (job.max_attempts == 1) == (other.max_attempts == 1)
    )


def _form(job: Claimed) -> bytes:
    """For deliveries that are like this job's."""
    if job.rules is None and job.max_attempts != 1:
        return _plain_form(job.attempt, job.kind, job.queue, job.lease_seconds)
    rules = read_rules(job.rules)
    once = True if job.max_attempts == 1 else UNSET
    return delivery_form(
        Delivery(
            "",
            job.attempt,
            job.kind,
            job.queue,
            NULL,
            job.lease_seconds,
            rules.timeout_seconds,
            rules.meta or {},
            rules.files or [],
            once=once,
        )
    )


@lru_cache(maxsize=1024)  # where every job is of another lane than the one before
def _plain_form(attempt: int, kind: str, queue: str, lease_seconds: float) -> bytes:
    return delivery_form(Delivery("", attempt, kind, queue, NULL, lease_seconds))


def _ends(hall: Hall, ends: list[End], told: dict[int, Session]) -> None:
    lines: dict[int, _EndLine] = {}
    for end in ends:
        session = hall.sessions.get(end.follow) if end.follow is not None else None
        if session is not None:
            told[session.number] = session
            line = lines.get(session.number)
            if line is None:
                line = lines[session.number] = _EndLine(session)
            line.add(end)
    for line in lines.values():
        line.put()


class _EndLine:
    """What one session hears of ends, in as few lines as they fit into."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ended: list[bytes] = []
        self._size = 0

    def add(self, end: End) -> None:
        if self._session.deputy is not None and self._session.deputy.asked:
            for one in end.each:
                self._add_or_did(one)
        elif end.results is None:
            self._add(ENDED[end.state] % (end.id, end.result or NULL, end.fault or NULL))
        else:
            for entry in map(SUCCEEDED.__mod__, enumerate(end.results, end.id)):
                self._add(entry)

    def _add_or_did(self, end: End) -> None:
        side = self._session.deputy
        if side is not None and end.id in side.asked:
            deputy.end(self._session, end)
        else:
            self._add(ENDED[end.state] % (end.id, end.result or NULL, end.fault or NULL))

    def _add(self, entry: bytes) -> None:
        self._size += len(entry)
        if self._size > ROOM:
            self.put()
            self._size = len(entry)
        self._ended.append(entry)

    def put(self) -> None:
        if self._ended:
            self._session.put_behind(end_line(self._ended))
        self._ended, self._size = [], 0
