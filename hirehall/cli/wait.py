"""`hirehall wait`: until jobs have ended."""

from __future__ import annotations

import click

from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import clean, note, outcome, say, say_json, span
from hirehall.cli.selectors import chosen
from hirehall.cli.times import Span
from hirehall.cli.waiting import status_of, wait_for
from hirehall.client.sync_client import Hall


@click.command(short_help="Wait until jobs have ended.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option("--timeout", "timeout_seconds", type=Span(86_400), metavar="TIME", help="Wait no longer: 90, 30m, 2h.")
@at_hall
@JSON
def command(hall: Hall, ids: tuple[str, ...], timeout_seconds: float | None, as_json: bool) -> int:
    """Wait until the jobs have ended, and say how; the exit status says whether all succeeded.

    ID is a job's id or a beginning of it, last, last:5, or a range ID..ID.

    \b
    Examples:
      hirehall wait last
      hirehall wait last:20 --timeout 10m && echo all succeeded
    """
    wanted = chosen(hall, ids)
    try:
        waited = wait_for(hall, wanted, timeout_seconds)
    except KeyboardInterrupt:
        note("stopped waiting; the jobs go on")
        return Exit.INTERRUPTED
    if as_json:
        say_json(waited)
        return status_of(waited)
    for job in waited.jobs:
        say(clean(outcome(job)))
    for pending in waited.pending:
        note(f"job {pending} has not ended after {span(timeout_seconds or 0)}: `hirehall explain {pending}` says why")
    return status_of(waited)
