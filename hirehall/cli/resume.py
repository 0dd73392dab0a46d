"""`hirehall resume`: back to normal."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.lines import tell
from hirehall.client.sync_client import Hall


@click.command(short_help="Let queues accept and hand out jobs again.")
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE...")
@at_hall
@JSON
def command(hall: Hall, queues: tuple[str, ...], as_json: bool) -> None:
    """Let queues accept and hand out jobs again.

    \b
    Example:
      hirehall resume images
    """
    tell(hall, queues, Hall.resume, as_json)
