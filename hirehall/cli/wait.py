"""`hirehall wait`: until jobs have ended."""

from __future__ import annotations

import click

from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, connect, where
from hirehall.cli.output import clean, note, outcome, say, say_json
from hirehall.cli.waiting import status_of, wait_for


@click.command(short_help="Wait until jobs have ended.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(0, 86_400),
    metavar="SECONDS",
    help="Wait no longer than this.",
)
@where
@JSON
def command(
    ids: tuple[str, ...],
    timeout_seconds: float | None,
    url: str | None,
    token: str | None,
    data: str | None,
    as_json: bool,
) -> int:
    """Wait until the jobs have ended, and say how; the exit status says whether all succeeded."""
    wanted = list(dict.fromkeys(ids))
    with connect(url, token, data) as hall:
        try:
            waited = wait_for(hall, wanted, timeout_seconds)
        except KeyboardInterrupt:
            note("stopped waiting; the jobs go on")
            return Exit.INTERRUPTED
    if as_json:
        say_json(waited)
    else:
        for job in waited.jobs:
            say(clean(outcome(job)))
        for pending in waited.pending:
            note(f"job {pending} has not ended after {timeout_seconds:g} s")
    return status_of(waited)
