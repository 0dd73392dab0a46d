"""`hirehall remove`: forget jobs that have ended."""

from __future__ import annotations

import click

from hirehall.cli.bulk import ENDED, YES, Action, act
from hirehall.cli.filters import filtered
from hirehall.cli.hall import JSON, at_hall
from hirehall.client.sync_client import Hall
from hirehall.client.verbs import Filters

RULE = "only jobs that have ended are removed; cancel it first"
NONE = "has ended: cancel them first"
ACTION = Action(
    "remove",
    "removed",
    ENDED,
    RULE,
    NONE,
    Hall.remove,
    Hall.remove_each,
    lambda hall, where: hall.remove_where(**where),
)


@click.command(short_help="Forget jobs that have ended.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@filtered
@YES
@at_hall
@JSON
def command(hall: Hall, ids: tuple[str, ...], filters: Filters, yes: bool, as_json: bool) -> int:
    """Forget jobs that have ended, with their results and logs. By itself the hall does so when their time to be
    kept is over.

    Name them (an id or a beginning of it, last, last:5, ID..ID), or choose them by what they are: then the hall does
    it in the background, and Ctrl-C stops it.

    \b
    Examples:
      hirehall remove last
      hirehall remove --state succeeded --until 7d
    """
    return act(hall, ACTION, ids, filters, yes, as_json)
