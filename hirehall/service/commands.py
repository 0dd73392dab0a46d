"""The command table. A row says which message it is for, who may send it, and what runs; rules live in the core.

Every door shares this table. To add a command: a struct in `wire/messages.py`, a handler in one of the modules below
(parse, one call, answer), a row here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from hirehall.errors import Forbidden, Unauthenticated
from hirehall.service import client_commands as client
from hirehall.service import deputy
from hirehall.service import session_commands as session
from hirehall.service import worker_commands as worker
from hirehall.service.sessions import Session
from hirehall.wire import messages as m


class Command(Struct, frozen=True):
    """One row: any of `roles` suffices; an empty set lets everyone in."""

    run: Callable[[Any, Session, Any], Any]
    roles: frozenset[str] = frozenset()


ANYONE = frozenset({"submit", "work", "read", "admin"})
SUBMIT = frozenset({"submit"})
WORK = frozenset({"work"})
READ = frozenset({"read"})
OWN_OR_READ = frozenset({"submit", "read"})
OWN_OR_ADMIN = frozenset({"submit", "admin"})

COMMANDS: dict[type, Command] = {
    m.Hello: Command(session.hello),
    m.Bye: Command(session.bye),
    m.Ping: Command(session.ping),
    m.Metrics: Command(session.metrics, ANYONE),
    m.Kinds: Command(session.kinds, ANYONE),
    m.Can: Command(session.can, ANYONE),
    m.Submit: Command(client.submit, SUBMIT),
    m.Get: Command(client.get, OWN_OR_READ),
    m.Wait: Command(client.wait, OWN_OR_READ),
    m.Cancel: Command(client.cancel, OWN_OR_ADMIN),
    m.Find: Command(client.find, READ),
    m.Work: Command(worker.work, WORK),
    m.Credit: Command(worker.credit, WORK),
    m.Progress: Command(worker.progress, WORK),
    m.Done: Command(worker.done, WORK),
    m.Fail: Command(worker.fail, WORK),
    m.Release: Command(worker.release, WORK),
    m.Beat: Command(worker.beat, WORK),
    m.Keep: Command(worker.keep, WORK),
    m.CanDo: Command(deputy.can_do, WORK),
    m.Do: Command(deputy.do, SUBMIT),
    m.Did: Command(deputy.did, WORK),
}


def check_role(who: Session, command: Command) -> None:
    """Raise Unauthenticated before hello, Forbidden after it, unless the session has one of the command's roles."""
    if command.roles and command.roles.isdisjoint(who.identity.roles):
        if who.greeted:
            raise Forbidden(f"this needs the role {' or '.join(sorted(command.roles))}; the token does not have it")
        raise Unauthenticated("say hello with a token first: the hall wrote one to access.json in its data directory")
