"""`hirehall wait`: until jobs have ended."""

from __future__ import annotations

from functools import partial

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.job_json import whole
from hirehall.cli.output import clean, note, outcome, say, say_json, span
from hirehall.cli.selectors import chosen
from hirehall.cli.times import Span
from hirehall.cli.waiting import mention_gone, patiently, status_of, wait_for
from hirehall.client.sync_client import Hall

SHOWN = 3  # ids in a remark


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
    again = f"hirehall wait {' '.join(wanted[:SHOWN])}" + (" ..." if len(wanted) > SHOWN else "")
    return patiently(partial(finish, hall, wanted, timeout_seconds, as_json), "waiting", again)


def finish(hall: Hall, ids: list[str], timeout_seconds: float | None, as_json: bool) -> int:
    """Wait, and say how each ended."""
    waited = wait_for(hall, ids, timeout_seconds)
    if as_json:
        say_json({"jobs": list(map(whole, waited.jobs)), "pending": waited.pending})
    else:
        for job in waited.jobs:
            say(clean(outcome(job)))
        for late in waited.pending:
            note(f"job {late} has not ended after {span(timeout_seconds or 0)}: `hirehall explain {late}` says why")
    return status_of(waited, mention_gone(waited, ids))
