"""The demo's progress, live."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hirehall.cli.demo.work import KINDS, HandedIn
from hirehall.client.sync_client import Job
from hirehall.errors import HallError

LOOK_SECONDS = 0.1
DOERS = {"count": "count     a Python function", "checksum": "checksum  a shell script"}


def follow(handed_in: HandedIn, check: Callable[[], None], is_quiet: bool) -> None:
    """Draw one bar for each worker until every job has ended; `check` raises when that cannot be."""
    console = Console(stderr=True, quiet=is_quiet or not sys.stderr.isatty())
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    by_kind = {kind: handed_in.of_kind(kind) for kind in KINDS}
    with Progress(*columns, console=console) as progress:
        bars = {kind: progress.add_task(DOERS[kind], total=len(jobs)) for kind, jobs in by_kind.items()}
        for jobs in by_kind.values():
            for job in jobs:
                while not has_ended(job):
                    check()
                    for kind, task in bars.items():
                        progress.update(task, completed=ended(by_kind[kind]))
        for kind, task in bars.items():
            progress.update(task, completed=ended(by_kind[kind]))


def ended(jobs: list[Job]) -> int:
    """How many have an outcome."""
    return sum(job.is_ended for job in jobs)


def has_ended(job: Job) -> bool:
    """Whether it has ended; waits a moment for it."""
    try:
        job.result(timeout_seconds=LOOK_SECONDS)
    except TimeoutError:
        return False
    except HallError:
        return True  # why it failed is for the report
    return True
