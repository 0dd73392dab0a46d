"""`hirehall change`: set fields of jobs that have not begun."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click

from hirehall.cli.bulk import WAITING, YES, Action, act
from hirehall.cli.filters import filtered
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.settings import FIELDS, read_changes
from hirehall.client.blocking import Task
from hirehall.client.sync_client import Hall
from hirehall.client.verbs import Changes, Filters
from hirehall.wire.replies import Refusal

RULE = "only jobs that have not begun can be changed"
NONE = "can be changed: all have begun"
NAMES = ", ".join(FIELDS)


@click.command(short_help="Change jobs that have not begun: priority, queue, time ...")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--set",
    "changes",
    multiple=True,
    required=True,
    metavar="NAME=VALUE",
    callback=lambda _ctx, _param, words: read_changes(words),
    help=f"What to set; again for more: {NAMES}.",
)
@filtered
@YES
@at_hall
@JSON
def command(hall: Hall, ids: tuple[str, ...], changes: Changes, filters: Filters, yes: bool, as_json: bool) -> int:
    """Change jobs that have not begun. A run_at of `now` ends their waiting; `none` takes a
    setting away that has one by default.

    Name them (an id or a beginning of it, last, last:5, ID..ID), or choose them by what they are: then the hall does
    it in the background, and Ctrl-C stops it.

    \b
    Examples:
      hirehall change last --set priority=9 --set run_at=now
      hirehall change --queue images --state ready --set queue=slow
    """
    action = Action(
        "change",
        "changed",
        WAITING,
        RULE,
        NONE,
        partial(set_one, changes),
        partial(set_each, changes),
        partial(set_where, changes),
    )
    return act(hall, action, ids, filters, yes, as_json)


def set_one(changes: Changes, hall: Hall, job: str) -> None:
    """One job."""
    hall.change(job, **changes)


def set_each(changes: Changes, hall: Hall, ids: Sequence[str]) -> list[Refusal]:
    """The jobs that are named."""
    return hall.change_each(ids, **changes)


def set_where(changes: Changes, hall: Hall, filters: Filters) -> Task:
    """All that fit."""
    return hall.change_where(filters, **changes)
