"""`hirehall submit`: hand in one job."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click
from msgspec import Raw

from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.job_json import whole
from hirehall.cli.output import complain, json_text, note, outcome, say, say_json
from hirehall.cli.parsing import read_labels, read_payload
from hirehall.cli.selectors import chosen
from hirehall.cli.settings import NOW, backoff, moment, read_texts
from hirehall.cli.times import Span
from hirehall.cli.waiting import mention_gone, patiently, status_of, wait_for
from hirehall.client.large import read_result
from hirehall.client.sync_client import Hall, Job

SPAN = Span()
LIFETIME = Span(is_positive=True)


def reads(read: Callable[[Any], Any]) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Read a value before anything else happens: a slip needs no hall."""
    return lambda _ctx, _param, value: read(value)


BACKOFF_HELP = (
    "How long before the next attempt: exponential|linear|constant:FIRST[:MOST].  [default: exponential:1s:1h]"
)


@click.command(short_help="Hand in a job; with --wait, print its result.")
@click.argument("kind")
@click.argument("payload", required=False, metavar="[PAYLOAD]", callback=reads(read_payload))
@click.option("--queue", metavar="NAME", help="Which line it waits in.  [default: default]")
@click.option("--key", metavar="WORD", help="Unique in its queue: the same submit again gives the same job.")
@click.option("--priority", type=int, metavar="NUMBER", help="Larger is sooner.  [default: 0]")
@click.option("--delay", "delay_seconds", type=SPAN, metavar="TIME", help="Not before then: 90, 30m, 2h.")
@click.option(
    "--run-at",
    metavar="TIME",
    callback=reads(lambda word: None if word in {None, NOW} else moment(word)),
    help="Not before this time: 2026-01-31T12:00:00Z, now, or seconds since 1970.",
)
@click.option("--ttl", "ttl_seconds", type=LIFETIME, metavar="TIME", help="Expires unless it has started by then.")
@click.option("--timeout", "timeout_seconds", type=LIFETIME, metavar="TIME", help="How long one attempt may take.")
@click.option("--max-attempts", type=click.IntRange(1), metavar="NUMBER", help="How often to try.  [default: 5]")
@click.option("--backoff", metavar="RULE", callback=reads(lambda word: word and backoff(word)), help=BACKOFF_HELP)
@click.option("--keep", "keep_seconds", type=SPAN, metavar="TIME", help="Kept after its end.  [default: 1d]")
@click.option(
    "--require",
    "requires",
    multiple=True,
    metavar="NAME=VALUE",
    callback=reads(partial(read_labels, "--require")),
    help="A worker must offer this; again for more.",
)
@click.option("--after", multiple=True, metavar="ID", help="Only once this job has succeeded; again for more.")
@click.option("--lock", metavar="WORD", help="Only one job with this word runs at a time.")
@click.option("--tag", "tags", multiple=True, metavar="WORD", help="A word to find it by; again for more.")
@click.option(
    "--meta",
    multiple=True,
    metavar="NAME=VALUE",
    callback=reads(partial(read_texts, "--meta")),
    help="A text that its worker sees; again for more.",
)
@click.option(
    "--file",
    "paths",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="PATH",
    help="An input for its worker; again for more.",
)
@click.option("--wait", is_flag=True, help="Wait for the end and print the result.")
@at_hall
@JSON
def command(
    hall: Hall, kind: str, payload: Raw, paths: tuple[Path, ...], wait: bool, as_json: bool, **options: Any
) -> int:
    """Hand in a job of KIND and print its id, or with --wait its result.

    PAYLOAD is JSON; `-` reads it from stdin and `@FILE` from a file. Nothing is null.

    \b
    Examples:
      hirehall submit resize '{"file": "a.png"}' --wait
      hirehall submit scan --file plan.pdf --file photo.jpg
      hirehall submit report --after last:3 --delay 2h --tag nightly
    """
    job = hall.submit(kind, payload, **told(hall, options), **with_files(hall, paths))
    if not wait:
        return report(job, as_json)
    return patiently(partial(finish, hall, job, as_json), "waiting", f"hirehall wait {job.id}")


def told(hall: Hall, options: dict[str, Any]) -> dict[str, Any]:
    """What was given, as the wire says it."""
    given = {name: value for name, value in options.items() if value not in (None, (), {})}
    return given | ({"after": chosen(hall, given["after"])} if "after" in given else {})


def with_files(hall: Hall, paths: tuple[Path, ...]) -> dict[str, Any]:
    """Sent before the submit: it takes them, or there is no job."""
    if not paths:
        return {}
    from hirehall.cli.carrying import uploaded  # noqa: PLC0415 - most jobs have none

    return {"files": uploaded(hall, paths)}


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
    waited = wait_for(hall, [job.id])
    for info in waited.jobs:
        info.result = read_result(hall, info)
        if as_json:
            say_json(whole(info))
        elif info.state == "succeeded":
            say(json_text(info.result))
        else:
            complain(outcome(info))
    return status_of(waited, mention_gone(waited, [job.id]))
