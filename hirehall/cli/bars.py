"""Bars on stderr: waiting for jobs, and changing many."""

from __future__ import annotations

from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from hirehall.cli.looking import MOST_IDS, Deadline, look
from hirehall.cli.output import one_line, wants_colours
from hirehall.client.blocking import Feed
from hirehall.client.jobs import JobInfo, Waited
from hirehall.client.streams import Event
from hirehall.client.sync_client import Hall
from hirehall.wire.replies import TaskView

NO_ENDS = frozenset({"submit", "unblock", "due", "deliver", "resume", "progress"})  # a job goes on after these
AT_ONCE = 10_000  # events that are looked at together


def progress_bar() -> Progress:
    """What it is, the bar, a few words, the time."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[said]}"),
        TimeElapsedColumn(),
    )
    console = Console(stderr=True, color_system="auto" if wants_colours() else None)
    return Progress(*columns, console=console, transient=True)


def watch_with_bar(hall: Hall, ids: Sequence[str], deadline: Deadline) -> Waited:
    """Wait, and show how far the one job is, or how many of them have ended. The hall says when to look."""
    ended: list[JobInfo] = []
    pending = dict.fromkeys(ids)
    with hall.watch(ids=list(ids) if len(ids) <= MOST_IDS else None) as events, progress_bar() as progress:
        task = progress.add_task("waiting", total=None, said="")
        suspects = list(ids)  # whatever happened before the watch began
        while True:
            answer = look(hall, suspects, Deadline(0))
            ended += answer.jobs
            for gone in set(suspects).difference(answer.pending):  # ended, or unknown now
                pending.pop(gone, None)
            if not pending:
                break
            show(progress, task, hall, list(pending), len(ids))
            news = gather(events, deadline)
            if not news:
                break
            ends = [job for job, event in news.items() if job in pending and event not in NO_ENDS]
            suspects = list(pending) if "gap" in news.values() else ends
    return Waited(ended, list(pending))


def gather(events: Feed[Event], deadline: Deadline) -> dict[str, str]:
    """Which jobs something happened to, and the last thing: whatever is there, at least one. Nothing when the time
    is up."""
    news: dict[str, str] = {}
    try:
        event = events.take(deadline.left())
        while len(news) < AT_ONCE:
            news[event.id] = event.event
            event = events.take(0)
    except TimeoutError:
        pass
    return news


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
        attempt = f", attempt {job.attempt}" if job.attempt > 1 else ""
        described = f"{escape(job.kind)}: {job.state}{attempt}"
        progress.update(task, description=described, total=total, completed=percent or 0.0, said=said)


class TaskBar:
    """How far the hall has come with changing many jobs; `total` where it is known."""

    def __init__(self, past: str, total: int | None) -> None:
        self._past = past
        self._progress = progress_bar()
        self._task = self._progress.add_task("looking", total=total or None, said="")

    def show(self, task: TaskView) -> None:
        """A word from the hall."""
        refused = f", {task.refused} refused" if task.refused else ""
        said = f"{task.looked} looked at{refused}"
        done = task.done + task.refused
        self._progress.update(self._task, completed=done, description=f"{task.done} {self._past}", said=said)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._progress.stop()
