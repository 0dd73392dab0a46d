"""`hirehall cancel`: end jobs, wherever they are."""

from __future__ import annotations

import click

from hirehall.cli.bulk import UNDER_WAY, YES, Action, act
from hirehall.cli.filters import filtered
from hirehall.cli.hall import JSON, at_hall
from hirehall.client.sync_client import Hall
from hirehall.client.verbs import Filters

RULE = "there is nothing left to cancel"
NONE = "can be cancelled: all have ended"
ACTION = Action(
    "cancel",
    "cancelled",
    UNDER_WAY,
    RULE,
    NONE,
    Hall.cancel,
    Hall.cancel_each,
    lambda hall, where: hall.cancel_where(**where),
)


@click.command(short_help="End jobs, wherever they are.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@filtered
@YES
@at_hall
@JSON
def command(hall: Hall, ids: tuple[str, ...], filters: Filters, yes: bool, as_json: bool) -> int:
    """End jobs that have not ended: waiting ones never start, the worker of a running one is told to stop.

    Name them (an id or a beginning of it, last, last:5, ID..ID), or choose them by what they are: then the hall does
    it in the background, and Ctrl-C stops it.

    \b
    Examples:
      hirehall cancel last
      hirehall cancel --queue images --state ready --since 2h
    """
    return act(hall, ACTION, ids, filters, yes, as_json)
