"""Commands of people who change jobs: cancel, retry, change, remove, one by one or with `where` in the background."""

from __future__ import annotations

from collections.abc import Callable, Sequence, Set
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import UNSET

from hirehall.core import lifecycle
from hirehall.core.checks import (
    check_attempts,
    check_labels,
    check_meta,
    check_name,
    check_priority,
    check_queue,
    check_seconds,
    check_tags,
)
from hirehall.core.intake import canonical, read_moment
from hirehall.core.lifecycle import Step
from hirehall.core.operations import APPLIED, BUSY, CONFLICT, DAMAGED, DUPLICATE, NOT_FOUND, Change, Edit
from hirehall.errors import BadRequest, Busy, Forbidden, HallError, NotFound, WrongState
from hirehall.model import State, id_number
from hirehall.service.answers import AfterCommit, Answer, damaged
from hirehall.service.filters import search_of
from hirehall.service.scope import check_queue as check_allowed_queue
from hirehall.service.sessions import Session
from hirehall.service.tasks import STEP_JOBS, Order
from hirehall.wire import replies, requests

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

MAX_IDS = 1_000
TAKEN = (APPLIED, DUPLICATE)


def cancel(hall: Hall, session: Session, message: requests.Cancel) -> AfterCommit | Answer:
    """End jobs wherever they are; submitters may end their own."""
    if message.where is not None:
        return _in_background(hall, session, message, lifecycle.CANCEL.sources)
    numbers = numbers_of(message)
    return judged(message, hall.core.cancel(numbers, session.scope("admin")))


def retry(hall: Hall, session: Session, message: requests.Retry) -> AfterCommit | Answer:
    """Try jobs again that failed, were cancelled or expired: all attempts so far are forgiven."""
    return _changed(hall, session, message, lifecycle.RETRY)


def remove(hall: Hall, session: Session, message: requests.Remove) -> AfterCommit | Answer:
    """Forget jobs that have ended, with their results and logs."""
    return _changed(hall, session, message, lifecycle.REMOVE)


def change(hall: Hall, session: Session, message: requests.Change) -> AfterCommit | Answer:
    """Set something else on jobs that have not begun; labels and how long they are kept on any."""
    edit = read_edit(session, message.set, hall.core.now.wall_ms)
    if edit == Edit():
        raise BadRequest("`set` sets nothing: name what to change, for example priority")
    return _changed(hall, session, message, lifecycle.CHANGE, edit)


def _changed(
    hall: Hall, session: Session, message: requests.Choice, step: Step, edit: Edit | None = None
) -> AfterCommit | Answer:
    if message.where is not None:
        every = edit is not None and edit.is_label
        return _in_background(hall, session, message, frozenset(State) if every else step.sources)
    numbers = numbers_of(message)
    if edit is not None and edit.queue is not UNSET:
        hall.core.hallway.check_open(edit.queue, len(numbers))
    return judged(message, hall.core.change(step, numbers, session.scope("admin"), edit))


def numbers_of(message: requests.Choice | requests.Drafts) -> list[int]:
    ids = [message.id] if message.id is not None else message.ids
    if message.id is not None and message.ids:
        raise BadRequest("give id or ids, not both")
    if not 1 <= len(ids) <= MAX_IDS:
        where = ", or choose them by where" if isinstance(message, requests.Choice) else ""
        raise BadRequest(f"name 1 to {MAX_IDS} jobs, as id or ids{where}")
    if len(set(ids)) != len(ids):
        raise BadRequest("an id is named twice: name each job once")
    return [id_number(job) for job in ids]


def _in_background(hall: Hall, session: Session, message: Any, states: Set[State]) -> Answer:
    if not session.may("admin"):
        raise Forbidden("`where` needs the role admin: name your own jobs by ids")
    if message.id is not None or message.ids:
        raise BadRequest("give ids or where, not both")
    if message.where == requests.Filter():
        raise BadRequest("`where` names no condition, so it would mean every job: name at least one")
    search = search_of(session, message.where, STEP_JOBS)
    command: Callable[[list[str]], Any] = partial(_for_ids, message)
    action = str(type(message).__struct_config__.tag)
    return replies.TaskReply(task=hall.tasks.start(session, Order(action, states, search, command)))


def _for_ids(message: Any, ids: list[str]) -> Any:
    return msgspec.structs.replace(message, ids=ids, where=None, ref=requests.NO_REF)


def task(hall: Hall, session: Session, message: requests.Task) -> Answer:
    """How far a task has come; `stop` ends it after the step under way. Without an id every task that is remembered."""
    if message.id is None:
        if message.stop:
            raise BadRequest("name the task to stop: without an id they are listed")
        shown = [msgspec.structs.replace(one.view) for one in hall.tasks.visible(session.identity)]
        return replies.TasksReply(tasks=shown)
    found = hall.tasks.find(message.id, session.identity)
    if message.stop:
        found.stopping = True
    return replies.TaskReply(task=msgspec.structs.replace(found.view))


# Answers.


def judged(message: requests.Choice | requests.Drafts, changes: Sequence[Change]) -> AfterCommit:
    if message.id is not None:
        job = message.id
        return AfterCommit(lambda: _one(changes[0], job))
    ids = message.ids
    return AfterCommit(lambda: replies.Judged(refused=_refused(changes, ids)))


def _one(change: Change, job: str) -> Answer:
    if change.answer not in TAKEN:
        raise refusal(change, job)
    return replies.Judged()


def _refused(changes: Sequence[Change], ids: list[str]) -> list[replies.Refusal]:
    pairs = zip(changes, ids, strict=True)
    return [replies.Refusal(job, refusal(change, job).code) for change, job in pairs if change.answer not in TAKEN]


SAID = (
    {"succeeded": "has succeeded", "failed": "has failed", "expired": "has expired"}
    | {word: f"is {word}" for word in ("scheduled", "blocked", "ready", "running", "cancelled", "gone")}
    | {"draft": "is a draft"}
)
HINTS = {
    lifecycle.CANCEL: "there is nothing left to cancel",
    lifecycle.RETRY: "only jobs that failed, were cancelled or expired are tried again",
    lifecycle.REMOVE: "only jobs that have ended are removed: cancel it first",
    lifecycle.CHANGE: "only jobs that have not begun can be changed",
    lifecycle.DISCARD: "only drafts are discarded: cancel it",
}
OF_A_DRAFT = "discard it, or commit it first"


def refusal(change: Change, job: str) -> HallError:
    name = change.step.name
    if change.answer == DAMAGED:
        return damaged(change)
    if change.answer == BUSY:
        return Busy(f"queue {change.queue} is full, and job {job} is still a draft: commit it later")
    if change.answer == NOT_FOUND:
        return NotFound(f"there is no job {job[:40]} that you may {name}")
    if change.answer == CONFLICT or change.why:
        return WrongState(change.why)
    was = change.was.word if change.was is not None else "gone"
    hint = OF_A_DRAFT if change.was is State.DRAFT else HINTS[change.step]
    return WrongState(f"job {job} {SAID.get(was, was)}: {hint}")


# What `change` sets.


def read_edit(session: Session, wanted: requests.Edit, wall_ms: int) -> Edit:
    """`set`, checked. Raises BadRequest naming the field, Forbidden for a queue outside the token's limits."""
    _check(session, wanted)
    given = {name: value for name in PLAIN if (value := getattr(wanted, name)) is not UNSET}
    if wanted.requires is not UNSET:
        given["requires"] = canonical(wanted.requires) if wanted.requires else "{}"
    if wanted.keep_seconds is not UNSET:
        given["keep_ms"] = round(wanted.keep_seconds * 1000)
    if wanted.run_at is not UNSET or wanted.delay_seconds is not UNSET:
        given["due"] = _moment("run_at", wanted.run_at, "delay_seconds", wanted.delay_seconds, wall_ms)
    if wanted.expires_at is not UNSET or wanted.ttl_seconds is not UNSET:
        given["expires_at"] = _moment("expires_at", wanted.expires_at, "ttl_seconds", wanted.ttl_seconds, wall_ms)
    return Edit(**given)


PLAIN = ("queue", "priority", "share", "timeout_seconds", "max_attempts", "tags", "meta")


def _moment(name: str, at: Any, after: str, seconds: Any, wall_ms: int) -> int | None:
    return read_moment(name, None if at is UNSET else at, after, None if seconds is UNSET else seconds, wall_ms)


CHECKS: dict[str, Callable[[Any], None]] = {
    "queue": check_queue,
    "priority": check_priority,
    "requires": lambda labels: check_labels(labels or {}),
    "share": partial(check_name, "share"),
    "delay_seconds": partial(check_seconds, "delay_seconds"),
    "ttl_seconds": partial(check_seconds, "ttl_seconds"),
    "timeout_seconds": partial(check_seconds, "timeout_seconds", least=0.001),
    "max_attempts": check_attempts,
    "keep_seconds": partial(check_seconds, "keep_seconds"),
    "tags": check_tags,
    "meta": check_meta,
}


def _check(session: Session, wanted: requests.Edit) -> None:
    for name, check in CHECKS.items():
        value = getattr(wanted, name)
        if value is not UNSET:
            check(value)
    if wanted.queue is not UNSET:
        check_allowed_queue(session, wanted.queue)
