"""`hirehall logs`: what a job's attempts printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple

import click

from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import clean, clean_but_colours, complain, note, outcome, say, say_json, style
from hirehall.cli.selectors import chosen_one
from hirehall.cli.times import Moment
from hirehall.client.jobs import JobInfo, LogPart
from hirehall.client.outcomes import FINAL
from hirehall.client.sync_client import Hall
from hirehall.errors import NotFound
from hirehall.wire.replies import LogEntry

STYLES = {"stderr": "red", "progress": "cyan"}
MARKS = {"progress": "» "}


@click.command(short_help="Print what a job's attempts logged; -f follows it live.")
@click.argument("job", metavar="ID")
@click.option("-f", "--follow", is_flag=True, help="Go on until the job has ended, through its retries.")
@click.option("--attempt", type=click.IntRange(1), metavar="NUMBER", help="Only this attempt.  [default: the latest]")
@click.option("--since", type=Moment(), metavar="TIME", help="Only what was logged since: 10m (ago), or a time.")
@click.option("--ansi", is_flag=True, help="Let the colours through that the job printed.")
@at_hall
@JSON
def command(hall: Hall, job: str, follow: bool, attempt: int | None, as_json: bool, **how: str | bool | None) -> int:
    """Print an attempt's log: stderr in red where there are colours, progress marked with ».

    With --follow the exit status is the job's, as for `wait`. ID is a job's id or a beginning of it, or last.

    \b
    Examples:
      hirehall logs last -f
      hirehall logs last --attempt 1 --json
    """
    printer = Printer(since_of(how["since"]), bool(how["ansi"]), as_json)
    info = the_job(hall, chosen_one(hall, job))
    if not follow or attempt is not None:
        once(hall, info, attempt, follow, printer)
        return Exit.OK
    try:
        return follow_on(hall, info, printer)
    except KeyboardInterrupt:
        note(f"stopped reading; the job goes on: hirehall logs {info.id} -f")
        return Exit.INTERRUPTED


def since_of(word: str | bool | None) -> datetime | None:
    """From when on."""
    return datetime.fromisoformat(word) if isinstance(word, str) else None


class Printer(NamedTuple):
    """How entries become lines."""

    since: datetime | None
    with_colours: bool
    as_json: bool

    def show(self, part: LogPart) -> None:
        """What is new enough."""
        for entry in part.entries:
            if self.since is None or datetime.fromisoformat(entry.at) >= self.since:
                self.line(part.attempt, entry)
        sys.stdout.flush()

    def line(self, attempt: int, entry: LogEntry) -> None:
        """One entry."""
        if self.as_json:
            say_json({"attempt": attempt, "at": entry.at, "stream": entry.stream, "text": entry.text})
            return
        text = (clean_but_colours if self.with_colours else clean)(entry.text.removesuffix("\n"))
        say(style(MARKS.get(entry.stream, "") + text, STYLES.get(entry.stream)))


def the_job(hall: Hall, id: str) -> JobInfo:  # noqa: A002
    """What the hall knows. Raises NotFound."""
    found = hall.get([id])
    if not found:
        raise NotFound(f"there is no job {id} that you may see: `hirehall jobs` lists the newest")
    return found[0]


def once(hall: Hall, job: JobInfo, attempt: int | None, follow: bool, printer: Printer) -> None:
    """One attempt, as far as it has come, or to its end."""
    if job.attempt == 0:
        later = "" if job.state in FINAL else " yet; -f waits for it"
        note(f"job {job.id} is {job.state} and has logged nothing{later}")
        return
    for part in hall.follow_log(job.id, attempt) if follow else pages(hall, job.id, attempt):
        printer.show(part)


def pages(hall: Hall, id: str, attempt: int | None) -> Iterator[LogPart]:  # noqa: A002
    """An attempt's log so far, as many parts as it takes."""
    offset = 0
    while True:
        part = hall.log_of(id, attempt, offset)
        yield part
        if part.next == offset:
            return
        attempt, offset = part.attempt, part.next


def follow_on(hall: Hall, job: JobInfo, printer: Printer) -> int:
    """Attempt after attempt, until the job has ended."""
    attempt = max(job.attempt, 1)
    with hall.watch(ids=[job.id]) as events:
        while True:
            while attempt <= job.attempt:
                for part in hall.follow_log(job.id, attempt):
                    printer.show(part)
                attempt += 1
                job = the_job(hall, job.id)
            if job.state in FINAL:
                break
            mention_wait(job)
            for _event in events:
                job = the_job(hall, job.id)
                if job.attempt >= attempt or job.state in FINAL:
                    break
    if job.state != "succeeded":
        complain(outcome(job))
    return Exit.OK if job.state == "succeeded" else Exit.JOB


def mention_wait(job: JobInfo) -> None:
    """Why nothing comes now."""
    if job.attempt:
        note(f"attempt {job.attempt} is over; job {job.id} is {job.state}, waiting for the next")
    else:
        note(f"job {job.id} is {job.state}; waiting for it to start")
