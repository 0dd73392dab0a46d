"""Deputy's dialect: its four commands on the same port, its field names, CRLF, and no acknowledgements.

A Deputy client's jobs are ordinary jobs of queue `default`. Its `id` lives in its own session; the worker sees that id,
or the hall's own for jobs that came in otherwise, and `did` is matched to the job in the worker's hand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET, Raw

from hirehall.core.checks import check_name
from hirehall.core.effects import End
from hirehall.core.operations import Claimed, Submit
from hirehall.errors import BadRequest, NotFound, TooLarge
from hirehall.model import MAX_BODY, NULL, JobSpec, State, id_text, read_rules
from hirehall.service.answers import AfterCommit
from hirehall.service.sessions import CRLF, DeputySide, Session
from hirehall.wire import requests
from hirehall.wire.body import check_body
from hirehall.wire.codec import decode_lines

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

LEASE_SECONDS = 86_400.0  # a Deputy worker never beats: its open connection is its lease
ID, NO_ARG = "deputy_id", "deputy_no_arg"  # in the job's meta: the client's id as JSON; that `arg` was absent
MAX_ID_BYTES = 1_024
MAX_TYPES = 1_000


def _side(session: Session) -> DeputySide:
    if session.deputy is None:
        if session.greeted:
            raise BadRequest("this session said hello: use `submit`, `work` and `done`")
        session.deputy = DeputySide()
        session.line_end = CRLF
    return session.deputy


def can_do(hall: Hall, session: Session, message: requests.CanDo) -> None:
    """This session can do these types too; one job at a time. Saying it twice changes nothing."""
    for kind in message.types:
        check_name("type", kind)
    hall.ending.check_open()
    side = _side(session)
    if len(side.kinds.union(message.types)) > MAX_TYPES:
        raise BadRequest(f"a session may name at most {MAX_TYPES} types")
    side.kinds.update(message.types)
    if not side.kinds:
        return
    if session.holder not in hall.core.leases.workers:
        hall.metrics.counts["workers_joined"] += 1
    worker = hall.core.leases.attach(session.number, session.holder)
    worker.is_deputy = True
    hall.core.leases.serve(worker, frozenset({"default"}), frozenset(side.kinds), {}, 1, LEASE_SECONDS)


def do(hall: Hall, session: Session, message: requests.Do) -> AfterCommit:
    """Submit a job; its end will be told as `did` with the same id."""
    check_body("id", message.id)
    theirs = bytes(message.id)
    if len(theirs) > MAX_ID_BYTES:
        raise BadRequest(f"an id takes at most {MAX_ID_BYTES} bytes")
    meta = {ID: theirs.decode()}
    if message.arg is UNSET:
        meta[NO_ARG] = "1"
    arg = NULL if message.arg is UNSET else message.arg
    check_body("arg", arg)
    spec = JobSpec(kind=message.type, payload=arg, meta=meta, follow=True)
    side = _side(session)
    hall.ending.check_open()
    operation = hall.core.submit([(spec, [arg])], session.owner, session.owner, session.number)
    return AfterCommit(lambda: _asked(side, operation, theirs))


def _asked(side: DeputySide, operation: Submit, theirs: bytes) -> None:
    if operation.refused is not None:
        raise operation.refused
    side.asked[operation.ids[0]] = theirs


def did(hall: Hall, session: Session, message: requests.Did) -> AfterCommit:
    """The result of the job in this worker's hand."""
    side = _side(session)
    if len(message.res) > MAX_BODY:
        raise TooLarge(f"res has {len(message.res)} bytes: at most {MAX_BODY} are kept")
    check_body("res", message.res)
    check_body("id", message.id)
    name = canonical_id(message.id)
    held = side.in_hand.get(name)
    if held is None:
        raise NotFound("no job of that id is in this worker's hand")
    hall.core.leases.reserve([held[0]])
    del side.in_hand[name]
    hall.core.leases.succeed(session.holder, [(*held, bytes(message.res))])
    return AfterCommit(lambda: None)


def canonical_id(raw: Raw | bytes) -> bytes:
    """An id as JSON in one spelling: a worker's parser may have spaced or escaped it differently."""
    try:
        return msgspec.json.encode(msgspec.json.decode(raw), order="sorted")
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return bytes(raw)  # valid, but beyond what Python reads, like 1e999


def _shown_id(meta: dict[str, str], job: int) -> bytes:
    """The id that a worker sees, as JSON: the Deputy client's own, else the hall's."""
    theirs = meta.get(ID, "").encode()
    messages = decode_lines([b'{"cmd":"did","id":%b}' % theirs]) if b"\n" not in theirs else []
    return theirs if messages and type(messages[0]) is requests.Did else msgspec.json.encode(id_text(job))


def run(session: Session, jobs: list[Claimed]) -> None:
    """Hand out: `do`, with the submitter's own id when it came by Deputy."""
    side = session.deputy
    assert side is not None
    for job in jobs:
        meta = read_rules(job.rules).meta or {}
        shown = _shown_id(meta, job.id)
        side.in_hand[canonical_id(shown)] = (job.id, job.attempt)
        line: dict[str, Any] = {"cmd": "do", "id": Raw(shown), "type": job.kind}
        if NO_ARG not in meta:
            line["arg"] = Raw(job.payload)
        session.put(line)


def end(session: Session, over: End) -> None:
    """Tell a Deputy client: `did`; a job that did not succeed says why in `error`, which Deputy never could."""
    side = session.deputy
    assert side is not None
    line: dict[str, Any] = {"cmd": "did", "id": Raw(side.asked.pop(over.id)), "res": NULL}
    if over.state is State.SUCCEEDED:
        line["res"] = Raw(over.result or b"null")
    else:
        line["error"] = (
            Raw(over.fault) if over.fault else {"type": over.state.word, "message": f"the job {over.state.word}"}
        )
    session.put(line)
