"""`hirehall pause`: accept jobs, hand out none."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.lines import tell
from hirehall.client.sync_client import Hall


@click.command(short_help="Let queues accept jobs and hand out none.")
@click.argument("queues", nargs=-1, required=True, metavar="QUEUE...")
@at_hall
@JSON
def command(hall: Hall, queues: tuple[str, ...], as_json: bool) -> None:
    """Let queues accept jobs and hand out none. What runs goes on; `hirehall resume` ends it.

    \b
    Example:
      hirehall pause images
    """
    tell(hall, queues, Hall.pause, as_json)
