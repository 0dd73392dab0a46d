"""Commands of those who look on: events, logs, and why a job is where it is."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from hirehall.core.checks import check_name, check_queue
from hirehall.core.explain import Circumstances
from hirehall.core.explain import explain as explained
from hirehall.errors import BadRequest, Forbidden, NotFound
from hirehall.model import StoredJob, id_number, id_text
from hirehall.ports import ByIds, LockHolders, Parents, Relation
from hirehall.service.answers import AfterRead, Answer
from hirehall.service.events import EVENT_NAMES, Interest
from hirehall.service.sessions import Session
from hirehall.wire import replies, requests

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

MAX_NAMES = 1_000


def watch(hall: Hall, session: Session, message: requests.Watch) -> AfterRead | Answer:
    """Events from now on, or from `since`; who may not read everything names its own jobs."""
    if message.off:
        hall.events.forget(session)
        return replies.Reply()
    interest = _interest(session, message)
    if session.may("read"):
        return _begin(hall, session, message, interest)
    if interest.ids is None:
        raise Forbidden("to watch everything needs the role read: name your own jobs by ids")
    wanted = interest.ids
    query = ByIds(sorted(wanted), session.scope("read"), bodies=False)

    def make(jobs: list[StoredJob]) -> Answer:
        missing = wanted - {job.id for job in jobs}
        if missing:
            raise NotFound(f"there is no job {', '.join(map(id_text, sorted(missing)))} that you may see")
        return _begin(hall, session, message, interest)

    return AfterRead((query,), make)


def _begin(hall: Hall, session: Session, message: requests.Watch, interest: Interest) -> Answer:
    whole = hall.events.watch(session, interest, message.since)
    reply = replies.Watching(seq=hall.events.cursor_of(session))
    if not whole:
        reply.gap = True
    if message.since is not None:
        hall.events.feed_soon()
    return reply


def _interest(session: Session, message: requests.Watch) -> Interest:
    for what in ("ids", "queues", "kinds", "events"):
        names = getattr(message, what)
        if names is not None and not 1 <= len(names) <= MAX_NAMES:
            raise BadRequest(f"{what} has {len(names)} entries: name 1 to {MAX_NAMES}, or leave it out for all")
    for name in message.queues or ():
        check_queue(name)
    for name in message.kinds or ():
        check_name("kind", name)
    for name in message.events or ():
        if name not in EVENT_NAMES:
            raise BadRequest(f"there is no event {name[:40]!r}: use some of {', '.join(sorted(EVENT_NAMES))}")
    ids = frozenset(map(id_number, message.ids)) if message.ids is not None else None
    if ids is not None and -1 in ids:
        raise BadRequest("ids holds what is no job's id")
    return Interest(
        ids, _frozen(message.queues), _frozen(message.kinds), _frozen(message.events), session.identity.queues
    )


def _frozen(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def log_of(hall: Hall, session: Session, message: requests.LogOf) -> AfterRead:
    """An attempt's log from an offset on; with `follow` also what comes."""
    number = id_number(message.id)
    if number < 0:
        raise NotFound(f"there is no job {message.id[:40]!r}")
    if message.offset < 0 or (message.attempt is not None and message.attempt < 0):
        raise BadRequest("offset and attempt are not negative")
    return hall.logs.read(session, number, message.attempt, message.offset, message.follow)


def explain(hall: Hall, session: Session, message: requests.Explain) -> AfterRead:
    """Why a job is where it is."""
    number, seen = id_number(message.id), session.scope("read")

    def with_job(jobs: list[StoredJob], parents: list[Relation]) -> AfterRead | Answer:
        if not jobs:
            raise NotFound(f"there is no job {message.id[:40]} that you may see")
        job = jobs[0]
        facts = Circumstances(job, parents, queues=session.identity.queues)
        if job.rules.lock is None:
            return _explained(hall, facts)
        return AfterRead((LockHolders(job.queue, job.rules.lock, seen),), partial(_with_lock, hall, facts))

    return AfterRead((ByIds([number], seen), Parents(number, seen)), with_job)


def _with_lock(hall: Hall, facts: Circumstances, holders: list[tuple[int, bool]]) -> Answer:
    facts.holders = [holder for holder in holders if holder[0] != facts.job.id]
    return _explained(hall, facts)


def _explained(hall: Hall, facts: Circumstances) -> Answer:
    why = explained(facts, hall.core.leases, hall.core.now)
    return replies.Explained(id=id_text(facts.job.id), state=facts.job.state.word, why=why)
