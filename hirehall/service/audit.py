"""Who ordered what, from where, and what came of it: a line of the log for each order, from `--log-level info` on.

An order is what somebody does to jobs, queues, workers, tokens or the hall itself, refused ones included. Submits and
the work itself are none: a job says whose it is and who ran it. Lines hold names, ids and numbers, never payloads,
`meta` or secrets. To add an order: a row in ORDERS.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET

from hirehall.core.collecting import NextBatch
from hirehall.errors import HallError
from hirehall.service.answers import AfterCommit, AfterRead, Asked
from hirehall.service.sessions import Session
from hirehall.wire import requests
from hirehall.wire.replies import ErrorReply

log = logging.getLogger("hirehall.audit")
Target = dict[str, Any]
OK = "ok"


def _jobs(message: Any) -> Target:
    where = getattr(message, "where", None)
    return {
        "job": message.id,
        "jobs": " ".join(message.ids) or None,
        "where": None if where is None else _text({name: value for name, value in _fields(where) if value is not None}),
    }


def _changed(message: requests.Change) -> Target:
    """What is set, without its values: they may be anybody's words."""
    return _jobs(message) | {"set": " ".join(name for name, value in _fields(message.set) if value is not UNSET)}


def _set(message: requests.Queue) -> Target | None:
    values = {name: value for name, value in _fields(message) if name not in ("ref", "queue") and value is not UNSET}
    return {"queue": message.queue, "set": _text(values)} if values else None


def _queue(message: Any) -> Target:
    return {"queue": message.queue}


def _worker(message: requests.WorkerOrder) -> Target:
    return {"worker": message.worker, "do": message.do, "credit": message.credit}


def _token(message: requests.Token) -> Target | None:
    if message.do == "list":
        return None
    return {"do": message.do, "token": message.name, "roles": " ".join(message.roles) or None}


def _task(message: requests.Task) -> Target | None:
    return {"task": message.id} if message.stop else None


# What an order is about; None: this one only asks.
ORDERS: dict[type, Callable[[Any], Target | None]] = {
    requests.Cancel: _jobs,
    requests.Retry: _jobs,
    requests.Remove: _jobs,
    requests.Change: _changed,
    requests.Discard: lambda message: {"job": message.id, "jobs": " ".join(message.ids) or None},
    requests.Task: _task,
    requests.Queue: _set,
    requests.Pause: _queue,
    requests.Resume: _queue,
    requests.Drain: _queue,
    requests.WorkerOrder: _worker,
    requests.Token: _token,
    requests.Link: lambda message: {},
    requests.Shutdown: lambda message: {"workers": message.workers},
}


def followed(session: Session, message: Any, run: Callable[[], Asked]) -> Asked:
    """What `run` gives, said in the log when it is known what came of it."""
    if not log.isEnabledFor(logging.INFO) or (target := ORDERS[type(message)](message)) is None:
        return run()
    order = str(type(message).__struct_config__.tag)
    try:
        return _heard(session, order, target, run())
    except NextBatch:
        raise  # it is run once more
    except HallError as exc:
        say(session.identity.name, session.peer, order, exc.code, session.number, **target)
        raise


def _heard(session: Session, order: str, target: Target, answer: Asked) -> Asked:
    if isinstance(answer, AfterCommit):
        make = answer.make
        return AfterCommit(lambda: _made(session, order, target, make))
    if isinstance(answer, AfterRead):
        read = answer.make
        return AfterRead(answer.queries, lambda *found: _made(session, order, target, lambda: read(*found)))
    outcome = answer.error.code if isinstance(answer, ErrorReply) else OK
    refused = len(getattr(answer, "refused", None) or ())
    began = getattr(getattr(answer, "task", None), "id", None)
    more = {"refused": refused or None} | ({"task": began} if began else {})
    say(session.identity.name, session.peer, order, outcome, session.number, **target | more)
    return answer


def _made(session: Session, order: str, target: Target, make: Callable[[], Any]) -> Any:
    try:
        answer = make()
    except HallError as exc:
        say(session.identity.name, session.peer, order, exc.code, session.number, **target)
        raise
    return _heard(session, order, target, answer)


def say(by: str, peer: str, order: str, outcome: str, session: int | None = None, **target: Any) -> None:
    """One line: `by` is the name of the token, `peer` where it came from."""
    at = None if session is None else f"{session:x}"
    log.info("%s", order, extra={"by": by, "peer": peer or None, "outcome": outcome, "session": at, **target})


def knocked(level: int, peer: str, order: str, why: HallError) -> None:
    """Somebody came with what counts for nobody; a `level` that people see is for where few a minute may."""
    log.log(level, "%s was refused: %s", order, why.message, extra={"peer": peer or None, "outcome": why.code})


def _fields(struct: Any) -> list[tuple[str, Any]]:
    return list(msgspec.structs.asdict(struct).items())


def _text(values: dict[str, Any]) -> str:
    return msgspec.json.encode(values).decode()
