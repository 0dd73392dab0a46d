"""What the demo has to show for itself."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

from msgspec import Struct

from hirehall.cli.demo.work import KINDS, HandedIn
from hirehall.cli.output import one_line, say, span
from hirehall.cli.tables import Column, show_table
from hirehall.client.outcomes import JobEnded
from hirehall.client.sync_client import Job
from hirehall.errors import HallError

MOST_ROWS = 20
DIGEST_LETTERS = 16


class Row(Struct):
    """One file: what each worker made of it, or why it could not."""

    file: str
    results: dict[str, Any]
    failures: dict[str, str]


class Run(Struct):
    """A whole demo."""

    rows: list[Row]
    seconds: float

    @staticmethod
    def of(handed_in: HandedIn) -> Run:
        """All outcomes, once they are there."""
        seconds = time.perf_counter() - handed_in.started
        return Run([row(file, jobs) for file, jobs in handed_in.jobs.items()], seconds)

    @property
    def jobs(self) -> int:
        """How many were handed in."""
        return len(self.rows) * len(KINDS)

    @property
    def failed(self) -> int:
        """How many did not succeed."""
        return sum(len(row.failures) for row in self.rows)


def row(file: str, jobs: tuple[Job, ...]) -> Row:
    """What became of one file."""
    made = Row(file, {}, {})
    for kind, job in zip(KINDS, jobs, strict=True):
        try:
            made.results[kind] = job.result(timeout_seconds=0)
        except JobEnded as exc:
            made.failures[kind] = exc.error.message or exc.message
        except HallError as exc:
            made.failures[kind] = exc.message
    return made


def report_json(run: Run) -> dict[str, Any]:
    """The same for a program."""
    rate = run.jobs / run.seconds
    return {
        "files": run.rows,
        "jobs": run.jobs,
        "failed": run.failed,
        "seconds": run.seconds,
        "jobs_per_second": rate,
    }


def report(run: Run, show_all: bool, data: Path | None) -> None:
    """Results, failures, the rate, and how to go on."""
    bound = len(run.rows) if show_all else MOST_ROWS
    show_table(RESULTS, [cells(row) for row in run.rows[:bound]])
    mention_more(len(run.rows) - bound, "files")
    failures = [(kind, row.file, one_line(why)) for row in run.rows for kind, why in row.failures.items()]
    if failures:
        say("")
        show_table(FAILURES, failures[:bound])
        mention_more(len(failures) - bound, "failures")
    say("")
    rate = f"{run.jobs / run.seconds:.0f} jobs/s"
    say(f"{run.jobs} jobs in {span(run.seconds)}, {rate}, {ended(run)}; each on disk before it was answered")
    say("per file: `count` by the Python worker, `checksum` by the script worker, one attempt each")
    say("")
    go_on(data)


def ended(run: Run) -> str:
    """How it went, in three words."""
    return f"{run.failed} failed" if run.failed else "none failed"


def mention_more(number: int, what: str) -> None:
    """What a bounded table does not show."""
    if number > 0:
        say(f"... and {number} more {what} (--all shows them)")


RESULTS = (
    Column("file", shrinks=True),
    Column("bytes", is_number=True),
    Column("lines", is_number=True),
    Column("words", is_number=True),
    Column("checksum"),
)
FAILURES = (Column("failed"), Column("file", shrinks=True), Column("why", shrinks=True))


def cells(row: Row) -> tuple[str, ...]:
    """One file's line of the table; what failed is empty there and has its reason below."""
    count = row.results.get("count") or {}
    digest = " ".join(f"{name} {value[:DIGEST_LETTERS]}" for name, value in (row.results.get("checksum") or {}).items())
    lines = "binary" if count.get("binary") else str(count.get("lines", ""))
    return row.file, str(count.get("bytes", "")), lines, str(count.get("words", "")), digest


def go_on(data: Path | None) -> None:
    """The same by hand."""
    program = own_name()
    say("the same by hand, in three terminals:")
    for words in ("serve", "work examples/tasks.py", 'submit resize \'{"file": "a.png"}\' --wait'):
        say(f"  {program} {words}")
    if data is not None:
        say(f"this run is kept: {program} serve --data {data}, then {program} jobs --data {data}")


def own_name() -> str:
    """How this shell would start us."""
    if shutil.which("hirehall"):
        return "hirehall"
    program = Path(sys.executable).with_name("hirehall")
    if not program.exists():
        return f"{sys.executable} -m hirehall"
    return str(program.relative_to(Path.cwd()) if program.is_relative_to(Path.cwd()) else program)
