"""`hirehall explain`: why a job is where it is."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import clean, say, say_json
from hirehall.cli.selectors import chosen_one
from hirehall.client.sync_client import Hall


@click.command(short_help="Say why a job is where it is.")
@click.argument("job", metavar="ID")
@at_hall
@JSON
def command(hall: Hall, job: str, as_json: bool) -> None:
    """Say why a job is where it is: what it waits for, and what would help.

    ID is a job's id or a beginning of it, or last.

    \b
    Example:
      hirehall explain last
    """
    explained = hall.explain(chosen_one(hall, job))
    if as_json:
        say_json({"id": explained.id, "state": explained.state, "why": explained.why})
        return
    say(f"job {explained.id} is {explained.state}")
    for sentence in explained.why:
        say(f"- {clean(sentence)}")
