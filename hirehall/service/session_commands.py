"""Commands about the session and the hall itself."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from hirehall import __version__
from hirehall.core.checks import check_labels, check_name, check_queue
from hirehall.core.intake import canonical
from hirehall.core.lanes import Crew
from hirehall.core.workers import WORKING
from hirehall.errors import BadRequest, HallError, Unauthenticated
from hirehall.model import LaneKey
from hirehall.service import audit, scope
from hirehall.service.answers import AfterCommit, Answer, error_reply
from hirehall.service.sessions import CRLF, Identity, Session
from hirehall.wire import replies, requests

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

LEASE_SECONDS = 30.0
PROTOCOL = 1


def hello(hall: Hall, session: Session, message: requests.Hello) -> Answer:
    """Greet and authenticate; what goes wrong here closes the connection."""
    try:
        return _greet(hall, session, message)
    except HallError as exc:
        session.end()
        if isinstance(exc, Unauthenticated):
            audit.knocked(logging.INFO, session.peer, "hello", exc)
        return error_reply(exc)


def _greet(hall: Hall, session: Session, message: requests.Hello) -> Answer:
    if message.protocol != PROTOCOL:
        raise BadRequest(f"this hall speaks protocol {PROTOCOL}, not {message.protocol}: use a matching client")
    if session.greeted or session.deputy is not None or session.holder in hall.core.leases.workers:
        raise BadRequest("say hello once, first")
    for what in ("name", "worker"):
        if getattr(message, what):
            check_name(what, getattr(message, what))
    if "/" in message.worker:
        raise BadRequest("worker is a random word without a slash")
    identity = _identity(hall, session, message.token)
    if not identity.roles:
        raise Unauthenticated("this hall wants a token: it wrote one to access.json in its data directory")
    session.greet(identity, message.worker, message.name)
    return replies.Greeting(
        server=f"hirehall/{__version__}",
        hall=hall.name,
        protocol=PROTOCOL,
        lease_seconds=LEASE_SECONDS,
        beat_seconds=LEASE_SECONDS / 3,
        durability=hall.store.durability,
        http=hall.tokens.logins.url or None,
    )


def _identity(hall: Hall, session: Session, token: str | None) -> Identity:
    """Without a token a session stays who it is, which its door has decided."""
    return session.identity if token is None else hall.tokens.identify(token, hall.core.now.wall_ms)


def bye(hall: Hall, session: Session, message: requests.Bye) -> AfterCommit:
    """Leave cleanly: leases go back, forgiven, and the connection closes after the answer."""
    hall.waits.forget(session)
    hall.core.leave(session.number, session.holder)
    session.end()
    return AfterCommit(replies.Reply)


def ping(hall: Hall, session: Session, message: requests.Ping) -> Answer:
    """Liveness; answered in its turn."""
    return replies.Reply()


def metrics(hall: Hall, session: Session, message: requests.Metrics) -> Answer:
    """Counters; in Deputy's shape for who has not said hello."""
    connections = sum(hall.metrics.inside.values())
    if not session.greeted:
        session.line_end = CRLF
        return {"cmd": "metrics", "metrics": hall.metrics.deputy(connections)}
    leases = hall.core.leases
    shown = {
        "up_since_ms": hall.metrics.up_since_ms,
        "connections": connections,
        "workers": sum(worker.session is not None for worker in leases.workers.values()),
        "running": len(leases.open),
        "ready": sum(lane.ready for lane in hall.core.hallway.lanes.values()),
        "storage_full": int(hall.store.is_full),
        "storage_damaged": int(hall.store.is_damaged),
    }
    return replies.MetricsReply(metrics=shown | dict(hall.metrics.counts))


def kinds(hall: Hall, session: Session, message: requests.Kinds) -> Answer:
    """What can be run at all: every kind that a connected worker has named."""
    offers: dict[str, replies.KindOffer] = {}
    for crew in hall.core.hallway.crews.values():
        present, queues = _present(crew), scope.visible(session, crew.queues)
        for kind in crew.kinds if present and queues else ():
            offer = offers.setdefault(kind, replies.KindOffer(kind, [], 0, []))
            offer.queues = sorted({*offer.queues, *queues})
            offer.workers += present
            if crew.offers and crew.offers not in offer.offers:
                offer.offers.append(crew.offers)
    return replies.KindsReply(kinds=[offers[kind] for kind in sorted(offers)])


def can(hall: Hall, session: Session, message: requests.Can) -> Answer:
    """Is there, now, a worker that asked for jobs and could run this kind with these requires?"""
    check_queue(message.queue)
    scope.check_queue(session, message.queue)
    check_name("kind", message.kind)
    requires = dict(message.requires or {})
    check_labels(requires)
    key = LaneKey(message.queue, message.kind, canonical(requires) if requires else "{}", "", 0)
    workers = sum(
        worker.session is not None and worker.credit > 0 and worker.mode == WORKING
        for crew in hall.core.hallway.crews.values()
        if crew.may_take(key)
        for worker in crew.members
    )
    return replies.CanReply(can=workers > 0, workers=workers)


def _present(crew: Crew) -> int:
    return sum(worker.session is not None for worker in crew.members)
