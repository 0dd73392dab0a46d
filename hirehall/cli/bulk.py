"""What `cancel`, `retry`, `change` and `remove` share: jobs by name, or all that fit, in the hall's background."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import NamedTuple, Protocol

import click

from hirehall.cli.exits import Exit
from hirehall.cli.filters import as_flags
from hirehall.cli.looking import newest, pieces
from hirehall.cli.output import complain, is_terminal, note, say, say_json
from hirehall.cli.selectors import chosen
from hirehall.client.blocking import Task
from hirehall.client.sync_client import Hall
from hirehall.client.verbs import Filters
from hirehall.errors import HallError
from hirehall.wire.replies import Refusal, TaskView

YES = click.option("--yes", is_flag=True, help="Do not ask before changing all that fit.")
WAITING = frozenset({"scheduled", "blocked", "ready"})
UNDER_WAY = WAITING | {"running"}
ENDED = frozenset({"succeeded", "failed", "cancelled", "expired"})
COUNTED = {"queue", "kind", "state"}  # the hall has numbers by these without looking at a job
MOST = 1_000  # jobs that are counted one by one
SHOWN = 3  # of those that were refused


class Action(NamedTuple):
    """One way of changing jobs; `states` are those in which it can, `rule` says so, `none` that no job is in one."""

    verb: str
    past: str
    states: frozenset[str]
    rule: str
    none: str
    one: Callable[[Hall, str], None]
    each: Callable[[Hall, Sequence[str]], list[Refusal]]
    where: Callable[[Hall, Filters], Task]


class Bar(Protocol):
    """Where a task's progress goes."""

    def show(self, task: TaskView) -> None: ...


class NoBar:
    """Nobody looks."""

    def show(self, task: TaskView) -> None: ...


def act(hall: Hall, action: Action, words: Sequence[str], filters: Filters, yes: bool, as_json: bool) -> int:
    """Do it to the jobs that are named, or to all that fit."""
    if bool(words) == bool(filters):
        raise click.UsageError(
            f"name the jobs to {action.verb} (an id, last, last:5, ID..ID) or choose them (--queue, --state ...)"
            + (", not both" if words else "")
        )
    if words:
        return each_of(hall, action, chosen(hall, words), as_json)
    if not yes and not sys.stdin.isatty():
        raise click.UsageError(f"to {action.verb} all that fit without being asked, say --yes")
    number, is_all = how_many(hall, action, filters) if is_terminal() or not yes else (0, False)
    if not number and is_all and not yes:
        note(f"no job to {action.verb} fits:{as_flags(filters)}")
        return Exit.OK
    if not yes and not agrees(action, number, is_all):
        return Exit.HALL
    task = action.where(hall, filters)
    status = in_background(action, task, number if is_all else None, as_json)
    if task.view.refused and task.view.state == "done":
        mention_refused(hall, action, filters, task.view.refused)
    return status


def each_of(hall: Hall, action: Action, ids: list[str], as_json: bool) -> int:
    """The jobs that are named, each judged by itself."""
    if len(ids) == 1 and not as_json:
        action.one(hall, ids[0])
        say(f"job {ids[0]} {action.past}")
        return Exit.OK
    refused = [refusal for some in pieces(ids) for refusal in action.each(hall, some)]
    sentences = explained(hall, action, refused)
    done = [job for job in ids if job not in sentences]
    if as_json:
        said = [{"id": no.id, "code": no.code, "message": sentences[no.id]} for no in refused]
        say_json({action.past: done, "refused": said})
    else:
        for job in ids:
            complain(sentences[job]) if job in sentences else say(f"job {job} {action.past}")
    return Exit.HALL if refused else Exit.OK


def explained(hall: Hall, action: Action, refused: Sequence[Refusal]) -> dict[str, str]:
    """Each refusal as a sentence: of many the hall says a word each, and the job's state says why."""
    known = {job.id: job for some in pieces([no.id for no in refused]) for job in hall.get(some)}
    sentences: dict[str, str] = {}
    asked = 0
    for job, code in ((no.id, no.code) for no in refused):
        if job not in known:
            sentences[job] = f"there is no job {job} that you may {action.verb}: `hirehall jobs` lists the newest"
        elif known[job].state in action.states:
            sentences[job] = said_alone(hall, action, job) if asked < SHOWN else f"job {job} was refused: {code}"
            asked += 1
        else:
            sentences[job] = f"job {job} is {known[job].state}: {action.rule}"
    return sentences


def said_alone(hall: Hall, action: Action, job: str) -> str:
    """Why the hall refuses this one: asked for alone it answers with a sentence. By now it may even agree."""
    try:
        action.one(hall, job)
    except HallError as exc:
        return f"job {job} was not {action.past}: {exc.message}"
    return f"job {job} was refused first, and is {action.past} now"


def mention_refused(hall: Hall, action: Action, filters: Filters, refused: int) -> None:
    """The first few that a task could not change: those that still are as they should not be."""
    if action.verb == "change":
        return  # what was changed cannot be told from what was not
    left = [job.id for job in newest(hall, filters, MOST, None).jobs if job.state in action.states][:SHOWN]
    for job in left:
        complain(said_alone(hall, action, job))
    if left and refused > len(left):
        complain(f"... and {refused - len(left)} more")


def agrees(action: Action, number: int, is_all: bool) -> bool:
    """Ask, with the number of jobs. Raises Abort for Ctrl-C."""
    jobs = "1 job" if number == 1 and is_all else f"{number} jobs{'' if is_all else ' or more'}"
    try:
        if click.confirm(f"{action.verb} {jobs}?", err=True):
            return True
    except click.Abort:
        click.echo(err=True)
        note(f"nothing was {action.past}")
        raise
    note(f"nothing was {action.past}")
    return False


def how_many(hall: Hall, action: Action, filters: Filters) -> tuple[int, bool]:
    """How many it would change now, and whether that is all."""
    if filters.keys() <= COUNTED:
        state = filters.get("state")
        rows = hall.counts(filters.get("queue"), filters.get("kind"))
        return sum(row.jobs for row in rows if row.state in action.states and state in {None, row.state}), True
    page = newest(hall, filters, MOST, None)
    return sum(job.state in action.states for job in page.jobs), page.next is None


def in_background(action: Action, task: Task, total: int | None, as_json: bool) -> int:
    """Watch the hall do it. Ctrl-C ends it there too."""
    try:
        with bar(action, total) as shown, task.progress() as feed:
            for view in feed:
                task.view = view
                shown.show(view)
    except KeyboardInterrupt:
        task.stop()
        task.wait()
    view = task.view
    if as_json:
        say_json({"task": view})
    else:
        refused = f", {view.refused} refused" if view.refused else ""
        say(f"{view.done} {'job' if view.done == 1 else 'jobs'} {action.past}{refused}")
    if view.state == "stopped":
        note(f"stopped: what was {action.past} stays so; the same command goes on")
        return Exit.INTERRUPTED
    return Exit.OK if view.done or not view.looked else nothing_done(action, view)


def nothing_done(action: Action, view: TaskView) -> int:
    """Jobs were found, and not one was changed: a script must not take that for done."""
    if not view.refused:
        found = "the job found" if view.looked == 1 else f"none of the {view.looked} jobs found"
        complain(f"{found} {'does not fit: ' + action.rule if view.looked == 1 else action.none}")
    return Exit.HALL


def bar(action: Action, total: int | None) -> AbstractContextManager[Bar]:
    """A bar where somebody sees it."""
    if not is_terminal():
        return nullcontext(NoBar())
    from hirehall.cli.bars import TaskBar  # noqa: PLC0415 - rich takes 50 ms to import

    return TaskBar(action.past, total)
