"""`hirehall dashboard`: a link that logs a browser in."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import say, say_json
from hirehall.client.sync_client import Hall


@click.command("dashboard", short_help="Print a link that logs a browser in.")
@JSON
@at_hall
def command(hall: Hall, as_json: bool) -> None:
    """Print a link that logs a browser in.

    It works once, within ten minutes, and the browser may then do what the token of this command may.

    \b
    Examples:
      hirehall dashboard
      xdg-open "$(hirehall dashboard)"
    """
    answer = hall.request({"cmd": "link"})
    if as_json:
        say_json(answer)
    else:
        say(answer["link"])
