"""`hirehall logs`: what a job's attempts printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from itertools import accumulate

import click

from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import clean, clean_but_colours, complain, note, outcome, say, say_json, style
from hirehall.cli.selectors import chosen_one
from hirehall.cli.times import Moment
from hirehall.cli.waiting import patiently
from hirehall.client.jobs import JobInfo, LogPart
from hirehall.client.outcomes import FINAL
from hirehall.client.sync_client import Hall
from hirehall.errors import NotFound
from hirehall.wire.replies import LogEntry

STYLES = {"stderr": "red", "progress": "cyan"}
MARKS = {"progress": "» "}
KEPT_BYTES = 448 << 10  # of a long log's beginning


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
    if attempt is not None and attempt > max(info.attempt, 1):
        raise NotFound(f"job {info.id} has no attempt {attempt}: it has had {info.attempt}")
    if follow:
        read = (
            partial(follow_on, hall, info, printer)
            if attempt is None
            else partial(once, hall, info, attempt, True, printer)
        )
        return patiently(read, "reading", f"hirehall logs {info.id} -f")
    return once(hall, info, attempt, False, printer)


def since_of(word: str | bool | None) -> datetime | None:
    """From when on."""
    return datetime.fromisoformat(word) if isinstance(word, str) else None


class Printer:
    """How entries become lines, and what is missing between them."""

    def __init__(self, since: datetime | None, with_colours: bool, as_json: bool) -> None:
        self._since = since
        self._clean = clean_but_colours if with_colours else clean
        self._as_json = as_json
        self._offsets: dict[int, int] = {}  # by attempt: where its next part begins

    def show(self, part: LogPart) -> None:
        """What is new enough."""
        start = self._offsets.get(part.attempt, 0)
        self._offsets[part.attempt] = part.next
        gap = gap_in(part, start)
        for place, entry in enumerate(part.entries):
            if place == gap:
                self._mention_gap()
            if self._since is None or datetime.fromisoformat(entry.at) >= self._since:
                self._entry(part.attempt, entry)
        sys.stdout.flush()

    def _mention_gap(self) -> None:
        """In its place also where both outputs go to one terminal."""
        sys.stdout.flush()
        note("lines were left out here: a log keeps its first and last half MiB")

    def _entry(self, attempt: int, entry: LogEntry) -> None:
        """One entry, which may hold several lines."""
        if self._as_json:
            say_json({"attempt": attempt, "at": entry.at, "stream": entry.stream, "text": entry.text})
            return
        for line in entry.text.removesuffix("\n").split("\n"):
            say(style(MARKS.get(entry.stream, "") + self._clean(line), STYLES.get(entry.stream)))


def gap_in(part: LogPart, start: int) -> int | None:
    """Before which entry of this part, which begins at byte `start` of the log, lines are missing; None for nowhere.

    The reply tells only how much is missing. The hall keeps a log's beginning up to the piece that passes KEPT_BYTES,
    so it is there."""
    if part.next <= start + sum(part.sizes) or not part.entries:
        return None
    ends = accumulate(part.sizes, initial=start)
    return next((place for place, at in enumerate(ends) if KEPT_BYTES <= at < start + sum(part.sizes)), 0)


def the_job(hall: Hall, id: str) -> JobInfo:  # noqa: A002
    """What the hall knows. Raises NotFound."""
    found = hall.get([id])
    if not found:
        raise NotFound(f"there is no job {id} that you may see: `hirehall jobs` lists the newest")
    return found[0]


def once(hall: Hall, job: JobInfo, attempt: int | None, follow: bool, printer: Printer) -> int:
    """One attempt, as far as it has come, or to its end."""
    if job.attempt == 0:
        later = "" if job.state in FINAL else " yet; -f waits for it"
        note(f"job {job.id} is {job.state} and has logged nothing{later}")
        return Exit.OK
    for part in hall.follow_log(job.id, attempt) if follow else pages(hall, job.id, attempt):
        printer.show(part)
    return Exit.OK


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
