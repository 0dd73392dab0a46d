"""What a `find` or a `where` says, as a search."""

from __future__ import annotations

from hirehall.core.checks import check_name, check_queue, read_time
from hirehall.errors import BadRequest
from hirehall.model import State, id_number
from hirehall.ports import Search
from hirehall.service.sessions import Session
from hirehall.wire import requests

STATES = {state.word: state for state in State}


def search_of(
    session: Session, wanted: requests.Filter | requests.Find, limit: int, before: str | None = None
) -> Search:
    """The search for jobs that the session may see. Raises BadRequest naming what cannot be."""
    if wanted.state is not None and wanted.state not in STATES:
        raise BadRequest(f"there is no state {wanted.state[:40]!r}: use one of {', '.join(STATES)}")
    if wanted.queue is not None:
        check_queue(wanted.queue)
    for what in ("kind", "tag", "key", "worker"):
        if getattr(wanted, what) is not None:
            check_name(what, getattr(wanted, what))
    if before is not None and id_number(before) < 0:
        raise BadRequest(f"before is {before[:40]!r}: give `next` of the page before, or a job's id")
    return Search(
        limit=limit,
        before=id_number(before) if before is not None else None,
        queue=wanted.queue,
        kind=wanted.kind,
        state=STATES[wanted.state] if wanted.state is not None else None,
        tag=wanted.tag,
        key=wanted.key,
        worker=wanted.worker,
        created_after_ms=_time("created_after", wanted.created_after),
        created_before_ms=_time("created_before", wanted.created_before),
        queues=session.identity.queues,
    )


def _time(name: str, at: str | float | None) -> int | None:
    return None if at is None else read_time(name, at)
