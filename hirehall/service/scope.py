"""The limits of a token, in one place: every command that names a queue, a kind or the hall as a whole asks here."""

from __future__ import annotations

from collections.abc import Iterable

from hirehall.core.workers import Worker
from hirehall.errors import Forbidden
from hirehall.model import JobSpec
from hirehall.service.sessions import Identity, Session

NAMES_SHOWN = 5


def check_queue(session: Session, queue: str) -> None:
    """Raise Forbidden when the session's token is limited to other queues."""
    allowed = session.identity.queues
    if allowed is not None and queue not in allowed:
        raise Forbidden(_outside(session.identity, "queue", queue, allowed))


def check_kind(session: Session, kind: str) -> None:
    """Raise Forbidden when the session's token is limited to other kinds."""
    allowed = session.identity.kinds
    if allowed is not None and kind not in allowed:
        raise Forbidden(_outside(session.identity, "kind", kind, allowed))


def check_jobs(session: Session, specs: Iterable[JobSpec]) -> None:
    """Raise Forbidden unless the session may submit all of these; most tokens have no limits, and cost no look."""
    if session.identity.queues is not None or session.identity.kinds is not None:
        for spec in specs:
            check_queue(session, spec.queue)
            check_kind(session, spec.kind)


def visible(session: Session, queues: frozenset[str]) -> frozenset[str]:
    """Those of `queues` that the session may know of."""
    allowed = session.identity.queues
    return queues if allowed is None else queues & allowed


def check_whole_worker(session: Session, worker: Worker) -> None:
    """Raise Forbidden when this worker serves, or has in hand, what the session may not know of."""
    allowed = session.identity.queues
    if allowed is None:
        return
    served = worker.crew.queues if worker.crew is not None else frozenset()
    if not allowed.issuperset(served | {lease.job.queue for lease in worker.held.values()}):
        raise Forbidden(
            f"this worker also serves queues that are not for token {session.identity.name!r}: use a token that is not"
            " limited to some queues"
        )


def check_unlimited(session: Session, what: str) -> None:
    """Raise Forbidden when the session's token is limited at all: `what` concerns the whole hall."""
    if session.identity.queues is not None or session.identity.kinds is not None:
        raise Forbidden(f"token {session.identity.name!r} is limited to some queues or kinds: it may not {what}")


def check_reader(identity: Identity) -> None:
    """Raise Forbidden unless who this is may see the whole hall."""
    if "read" not in identity.roles:
        raise Forbidden(f"token {identity.name!r} does not have the role read")
    if identity.queues is not None or identity.kinds is not None:
        raise Forbidden(f"token {identity.name!r} is limited to some queues or kinds: it may not see all figures")


def _outside(identity: Identity, what: str, name: str, allowed: frozenset[str]) -> str:
    shown = sorted(allowed)
    names = ", ".join(shown[:NAMES_SHOWN]) + (", ..." if len(shown) > NAMES_SHOWN else "")
    hint = "name them" if name == "*" else "use one of them, or another token"
    return f"{what} {name[:80]!r} is not for token {identity.name!r}, which is limited to the {what}s {names}: {hint}"
