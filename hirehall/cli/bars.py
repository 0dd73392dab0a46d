"""The bar of `--wait` and `wait`, drawn on stderr."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from hirehall.cli.looking import Deadline, look
from hirehall.cli.output import one_line
from hirehall.client.jobs import JobInfo, Waited
from hirehall.client.sync_client import Hall

LOOK_SECONDS = 0.5


def watch_with_bar(hall: Hall, ids: Sequence[str], deadline: Deadline) -> Waited:
    """Wait, and show how far the one job is, or how many of them have ended."""
    ended: list[JobInfo] = []
    pending = list(ids)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("waiting", total=None, said="")
        while pending and not deadline.is_over():
            show(progress, task, hall, pending, len(ids))
            answer = look(hall, pending, deadline, LOOK_SECONDS)
            ended += answer.jobs
            pending = answer.pending
    return Waited(ended, pending)


def show(progress: Progress, task: TaskID, hall: Hall, pending: Sequence[str], of: int) -> None:
    """One look at what is still under way."""
    if of > 1:
        done = of - len(pending)
        progress.update(task, description="jobs", total=of, completed=done, said=f"{done} of {of} ended")
        return
    for job in hall.get(pending):
        note = job.progress if isinstance(job.progress, dict) and job.state == "running" else {}
        percent, text = note.get("percent"), one_line(str(note.get("text") or ""))
        said = escape(" ".join(part for part in ("" if percent is None else f"{percent:.0f}%", text) if part))
        total = None if percent is None else 100.0
        described = f"{escape(job.kind)}: {job.state}"
        progress.update(task, description=described, total=total, completed=percent or 0.0, said=said)
