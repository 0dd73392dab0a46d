"""`hirehall drain`: hand out what is there, refuse more."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.lines import tell
from hirehall.client.sync_client import Hall


@click.command(short_help="Let queues hand out what is there and refuse more.")
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE...")
@at_hall
@JSON
def command(hall: Hall, queues: tuple[str, ...], as_json: bool) -> None:
    """Let queues hand out what is there and refuse more; `hirehall resume` ends it.

    \b
    Example:
      hirehall drain images
    """
    tell(hall, queues, Hall.drain, as_json)
