"""`hirehall retry`: run jobs again."""

from __future__ import annotations

import click

from hirehall.cli.bulk import ENDED, YES, Action, act
from hirehall.cli.filters import filtered
from hirehall.cli.hall import JSON, at_hall
from hirehall.client.sync_client import Hall
from hirehall.client.verbs import Filters

AGAIN = ENDED - {"succeeded"}
RULE = "only jobs that failed, were cancelled or expired are tried again"
NONE = "failed, was cancelled or expired: there is nothing to try again"
ACTION = Action(
    "retry", "retried", AGAIN, RULE, NONE, Hall.retry, Hall.retry_each, lambda hall, where: hall.retry_where(**where)
)


@click.command(short_help="Run jobs again that failed, were cancelled or expired.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@filtered
@YES
@at_hall
@JSON
def command(hall: Hall, ids: tuple[str, ...], filters: Filters, yes: bool, as_json: bool) -> int:
    """Run jobs again that failed, were cancelled or expired, with all their attempts before them.

    Name them (an id or a beginning of it, last, last:5, ID..ID), or choose them by what they are: then the hall does
    it in the background, and Ctrl-C stops it.

    \b
    Examples:
      hirehall retry last
      hirehall retry --kind resize --state failed --since 2026-01-31
    """
    return act(hall, ACTION, ids, filters, yes, as_json)
