"""`hirehall shutdown`: end the hall."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import say, say_json
from hirehall.client.sync_client import Hall


@click.command(short_help="End the hall.")
@click.option("--workers", is_flag=True, help="Its workers finish what they have and leave, too.")
@at_hall
@JSON
def command(hall: Hall, workers: bool, as_json: bool) -> None:
    """End the hall. Jobs are kept; workers wait for it to come back, unless --workers sends them home.

    \b
    Examples:
      hirehall shutdown
      hirehall shutdown --workers
    """
    hall.shutdown(workers=workers)
    if as_json:
        say_json({"shutdown": True, "workers": workers})
    else:
        say(
            "the hall is going" + (", and its workers with it" if workers else "; its workers wait for it to come back")
        )
