"""`hirehall submit`: hand in one job."""

from __future__ import annotations

from typing import Any

import click

from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, connect, where
from hirehall.cli.output import complain, json_text, note, outcome, say, say_json
from hirehall.cli.parsing import read_labels, read_payload
from hirehall.cli.waiting import status_of, wait_for
from hirehall.client.sync_client import Hall, Job

SECONDS = click.FloatRange(0)


@click.command(short_help="Hand in a job; with --wait, print its result.")
@click.argument("kind")
@click.argument("payload", required=False, metavar="[PAYLOAD]")
@click.option("--queue", metavar="NAME", help="Which line it waits in.  [default: default]")
@click.option("--key", metavar="WORD", help="Unique in its queue: the same submit again gives the same job.")
@click.option("--priority", type=int, metavar="NUMBER", help="Larger is sooner.  [default: 0]")
@click.option("--delay", "delay_seconds", type=SECONDS, metavar="SECONDS", help="Not before then.")
@click.option("--run-at", metavar="TIME", help="Not before this time, such as 2026-01-31T12:00:00Z.")
@click.option("--ttl", "ttl_seconds", type=SECONDS, metavar="SECONDS", help="Expires unless it has started by then.")
@click.option("--timeout", "timeout_seconds", type=SECONDS, metavar="SECONDS", help="How long one attempt may take.")
@click.option("--max-attempts", type=click.IntRange(1), metavar="NUMBER", help="How often to try.  [default: 5]")
@click.option(
    "--require",
    "requires",
    multiple=True,
    metavar="NAME=VALUE",
    help="What a worker must offer; again for more.",
)
@click.option("--wait", is_flag=True, help="Wait for the end and print the result.")
@where
@JSON
def command(
    kind: str,
    payload: str | None,
    requires: tuple[str, ...],
    wait: bool,
    url: str | None,
    token: str | None,
    data: str | None,
    as_json: bool,
    **options: Any,
) -> int:
    """Hand in a job of KIND and print its id, or with --wait its result.

    PAYLOAD is JSON; `-` reads it from stdin and `@FILE` from a file. Nothing is null.
    """
    body = read_payload(payload)
    given = {name: value for name, value in options.items() if value is not None}
    if requires:
        given["requires"] = read_labels("--require", requires)
    with connect(url, token, data) as hall:
        job = hall.submit(kind, body, **given)
        return finish(hall, job, as_json) if wait else report(job, as_json)


def report(job: Job, as_json: bool) -> int:
    """Its id, and whether it is an old one."""
    if as_json:
        say_json({"id": job.id, "state": job.state, "duplicate": job.duplicate})
        return Exit.OK
    if job.duplicate:
        note(f"this key has a job already, which is {job.state}")
    say(job.id)
    return Exit.OK


def finish(hall: Hall, job: Job, as_json: bool) -> int:
    """Its result on stdout, or why there is none on stderr."""
    try:
        waited = wait_for(hall, [job.id])
    except KeyboardInterrupt:
        note(f"stopped waiting; the job goes on: hirehall wait {job.id}")
        return Exit.INTERRUPTED
    info = waited.jobs[0]
    if as_json:
        say_json(info)
    elif info.state == "succeeded":
        say(json_text(info.result))
    else:
        complain(outcome(info))
    return status_of(waited)
