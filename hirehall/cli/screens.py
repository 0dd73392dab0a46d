"""How a frame of `top` looks."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from hirehall.cli.output import age, clean, span
from hirehall.cli.pulse import Frame, waiting
from hirehall.cli.tables import Column, cell, grid
from hirehall.cli.workers import load
from hirehall.wire.replies import QueueView, WorkerView

WAITING = Text("asking the hall ...", style="dim")
AROUND = 11  # lines that are neither queues nor workers
HELD = {"paused": "yellow", "down": "yellow", "drained": "yellow", "draining": "yellow", "gone": "red"}
SILENT_SECONDS = 20.0  # a worker that beats is heard of sooner

QUEUES = (
    Column("queue", shrinks=True),
    Column("state"),
    Column("waiting", is_number=True),
    Column("running", is_number=True),
    Column("later", is_number=True),
    Column("workers", is_number=True),
    Column("oldest waits"),
)
WORKERS = (
    Column("worker", shrinks=True),
    Column("state"),
    Column("running", is_number=True),
    Column("queues", shrinks=True),
    Column("silent"),
)


def drawn(frame: Frame, width: int, height: int | None) -> RenderableType:
    """The whole frame, `width` characters wide; `height` lines of it at most, None for all."""
    queues = sorted(frame.queues, key=lambda queue: (-waiting(queue), queue.queue))
    workers = sorted(frame.workers, key=lambda worker: (-worker.silent_seconds > -SILENT_SECONDS, worker.name))
    for_queues, for_workers = shares(len(queues), len(workers), height)
    return Group(
        title(frame),
        rates(frame),
        *nobody(frame),
        Text(),
        *table(QUEUES, list(map(queue_row, queues)), for_queues, width, "no queues yet"),
        Text(),
        *table(
            WORKERS, list(map(worker_row, workers)), for_workers, width, "no workers: start one with `hirehall work`"
        ),
        *([] if height is None else [Text(), Text("q or Ctrl-C ends", style="dim")]),
    )


def shares(queues: int, workers: int, height: int | None) -> tuple[int, int]:
    """How many lines each list gets: half of them, and what the other leaves."""
    if height is None:
        return queues, workers
    room = max(height - AROUND, 2)
    for_queues = min(queues, max(room // 2, room - workers))
    return for_queues, min(workers, room - for_queues)


def title(frame: Frame) -> Text:
    """Which hall, and how much is to do."""
    text = line().append("hall ").append(clean(frame.hall), "bold").append(f"  {clean(frame.server)}")
    oldest = f", the oldest for {age(frame.oldest_waiting_at).removesuffix(' ago')}" if frame.oldest_waiting_at else ""
    text.append(f"   {frame.running} running, {frame.waiting} waiting{oldest}")
    return text.append("   its disk is full: no new jobs", "red") if frame.storage_full else text


def line() -> Text:
    """One that is cut rather than broken."""
    return Text(no_wrap=True, overflow="ellipsis")


def rates(frame: Frame) -> Text:
    """Jobs per second."""
    words = [f"{name} {number:,.1f}/s" for name, number in frame.rates.items() if name not in {"failed", "retried"}]
    text = line().append("   ".join(words))
    for name in ("failed", "retried"):
        number = frame.rates[name]
        text.append(f"   {name} {number:,.1f}/s", style="red" if number and name == "failed" else "")
    times = frame.run_time
    if times is not None and times.p50_seconds is not None and times.p95_seconds is not None:
        text.append(f"   half run {took(times.p50_seconds)}, 95 % {took(times.p95_seconds)}")
    return text


def took(seconds: float) -> str:
    """How long a job ran: mostly less than a second."""
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else span(seconds)


def nobody(frame: Frame) -> list[Text]:
    """A line when jobs wait that nobody here may take."""
    if not frame.unserved:
        return []
    jobs = sum(one.jobs for one in frame.unserved)
    kinds = ", ".join(f"{clean(one.kind)} ({clean(one.queue)})" for one in frame.unserved)
    return [line().append(f"no worker takes {jobs:,} of them: {kinds}", style="red")]


def table(
    columns: Sequence[Column], rows: Sequence[Sequence[Text]], most: int, width: int, empty: str
) -> list[RenderableType]:
    """The first rows, and how many are left out."""
    if not rows:
        return [Text(empty, style="dim")]
    left_out = [Text(f"... {len(rows) - most} more", style="dim")] if len(rows) > most else []
    return [grid(columns, rows[:most], width), *left_out]


def queue_row(queue: QueueView) -> tuple[Text, ...]:
    """One queue."""
    later = queue.jobs.get("scheduled", 0) + queue.jobs.get("blocked", 0)
    return (
        cell(queue.queue),
        Text(clean(queue.state), style=HELD.get(queue.state, "")),
        cell(f"{waiting(queue):,}"),
        cell(f"{queue.jobs.get('running', 0):,}"),
        cell(f"{later:,}"),
        cell(str(queue.workers)),
        cell(age(queue.oldest_waiting_at).removesuffix(" ago")),
    )


def worker_row(worker: WorkerView) -> tuple[Text, ...]:
    """One worker."""
    state = worker.state if worker.connected else "gone"
    return (
        cell(worker.name or worker.worker),
        Text(clean(state), style=HELD.get(state, "")),
        cell(load(worker)),
        cell(", ".join(worker.queues)),
        Text(span(worker.silent_seconds), style="red" if worker.silent_seconds > SILENT_SECONDS else ""),
    )
