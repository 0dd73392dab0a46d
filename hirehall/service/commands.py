"""The command table. A row says which message it is for, who may send it, and what runs; rules live in the core.

Every door shares this table. To add a command: a struct in `wire/requests.py`, a handler in one of the modules below
(parse, one call, answer), a row here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from msgspec import Struct

from hirehall.core.collecting import NextBatch
from hirehall.errors import Forbidden, HallError, Unauthenticated
from hirehall.service import change_commands as change
from hirehall.service import client_commands as client
from hirehall.service import deputy, overview
from hirehall.service import file_commands as files
from hirehall.service import hall_commands as hall
from hirehall.service import queue_commands as queue
from hirehall.service import session_commands as session
from hirehall.service import token_commands as tokens
from hirehall.service import watch_commands as watch
from hirehall.service import worker_commands as worker
from hirehall.service.answers import MISTAKE, AfterRow, error_line
from hirehall.service.sessions import Session
from hirehall.wire import requests

log = logging.getLogger("hirehall")


class Command(Struct, frozen=True):
    """One row: any of `roles` suffices; an empty set lets everyone in. `in_a_row` runs several at once, all or none:
    when it answers None, or raises, they are run one by one. It may raise after it has reserved a job, but not let it
    stay reserved: one by one they would fail again, batch after batch."""

    run: Callable[[Any, Session, Any], Any]
    roles: frozenset[str] = frozenset()
    in_a_row: Callable[[Any, Session, list[Any]], AfterRow | None] | None = None


ANYONE = frozenset({"submit", "work", "read", "admin"})
SUBMIT = frozenset({"submit"})
WORK = frozenset({"work"})
READ = frozenset({"read"})
ADMIN = frozenset({"admin"})
OWN_OR_READ = frozenset({"submit", "read"})
OWN_OR_ADMIN = frozenset({"submit", "admin"})

COMMANDS: dict[type, Command] = {
    requests.Hello: Command(session.hello),
    requests.Bye: Command(session.bye),
    requests.Ping: Command(session.ping),
    requests.Metrics: Command(session.metrics, ANYONE),
    requests.Kinds: Command(session.kinds, ANYONE),
    requests.Can: Command(session.can, ANYONE),
    requests.Submit: Command(client.submit, SUBMIT, client.submit_row),
    requests.Commit: Command(files.commit, SUBMIT),
    requests.Discard: Command(files.discard, SUBMIT),
    requests.Get: Command(client.get, OWN_OR_READ),
    requests.Wait: Command(client.wait, OWN_OR_READ),
    requests.Cancel: Command(change.cancel, OWN_OR_ADMIN),
    requests.Retry: Command(change.retry, ADMIN),
    requests.Remove: Command(change.remove, ADMIN),
    requests.Change: Command(change.change, ADMIN),
    requests.Task: Command(change.task, ADMIN),
    requests.Watch: Command(watch.watch, OWN_OR_READ),
    requests.LogOf: Command(watch.log_of, OWN_OR_READ),
    requests.Explain: Command(watch.explain, OWN_OR_READ),
    requests.Counts: Command(queue.counts, READ),
    requests.Queues: Command(queue.queues, READ),
    requests.Overview: Command(overview.overview, READ),
    requests.Queue: Command(queue.queue, ADMIN),
    requests.Pause: Command(queue.pause, ADMIN),
    requests.Resume: Command(queue.resume, ADMIN),
    requests.Drain: Command(queue.drain, ADMIN),
    requests.Workers: Command(hall.workers, READ),
    requests.WorkerOrder: Command(hall.worker, ADMIN),
    requests.Shutdown: Command(hall.shutdown, ADMIN),
    requests.Find: Command(client.find, READ),
    requests.Token: Command(tokens.token, ADMIN),
    requests.Link: Command(tokens.link, ANYONE),
    requests.Work: Command(worker.work, WORK),
    requests.Credit: Command(worker.credit, WORK),
    requests.Progress: Command(worker.progress, WORK),
    requests.Log: Command(worker.log, WORK),
    requests.Done: Command(worker.done, WORK, worker.done_row),
    requests.Fail: Command(worker.fail, WORK),
    requests.Release: Command(worker.release, WORK),
    requests.Beat: Command(worker.beat, WORK),
    requests.Keep: Command(worker.keep, WORK),
    requests.CanDo: Command(deputy.can_do, WORK),
    requests.Do: Command(deputy.do, SUBMIT),
    requests.Did: Command(deputy.did, WORK),
}

# What doors say inside this process; no line can.
INTERNAL: dict[type, Command] = {
    files.Attach: Command(files.attach, SUBMIT),
    files.Detach: Command(files.detach, SUBMIT),
    files.AttachOutput: Command(files.attach_output, WORK),
    files.FilesOf: Command(files.files_of, frozenset({"submit", "read", "work"})),
}


def check_role(who: Session, command: Command) -> None:
    """Raise Unauthenticated before hello, Forbidden after it, unless the session has one of the command's roles."""
    if command.roles and command.roles.isdisjoint(who.identity.roles):
        if who.greeted:
            raise Forbidden(f"this needs the role {' or '.join(sorted(command.roles))}; the token does not have it")
        raise Unauthenticated("say hello with a token first: the hall wrote one to access.json in its data directory")


def run_row(hall: Any, who: Session, row: list[Any]) -> AfterRow | None:
    """Run these messages of one sort in one piece. None: none of them has run, and each must by itself."""
    command = COMMANDS.get(type(row[0]))
    if command is None or command.in_a_row is None:
        return None
    asked = hall.core.collecting.batch.size
    try:
        check_role(who, command)
        return command.in_a_row(hall, who, row)
    except (HallError, NextBatch):  # not all of them may deserve it; one by one each is told
        return None
    except Exception:  # a mistake of ours
        log.exception("one of several %s failed", type(row[0]).__name__)
        if hall.core.collecting.batch.size == asked:
            return None  # the store is asked for nothing of them: one by one only the culprit fails
        refs = [message.ref for message in row]
        return AfterRow(refs, lambda: [error_line(MISTAKE, ref) for ref in refs])
