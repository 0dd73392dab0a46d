"""`hirehall queues`: every queue, and what is in it."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import age, say_json
from hirehall.cli.tables import Column, show_table
from hirehall.client.sync_client import Hall
from hirehall.wire.replies import QueueView

COLUMNS = (
    Column("queue", shrinks=True),
    Column("state"),
    Column("ready", is_number=True),
    Column("running", is_number=True),
    Column("later", is_number=True),
    Column("failed", is_number=True),
    Column("workers", is_number=True),
    Column("oldest waits"),
    Column("limits", shrinks=True),
)
LIMITS = {"max_running": "running", "max_per_second": "per second", "max_waiting": "waiting"}


@click.command(short_help="List the queues and what is in them.")
@at_hall
@JSON
def command(hall: Hall, as_json: bool) -> None:
    """List the queues: their state, how many jobs are where (`later` are scheduled or blocked), and their limits.

    \b
    Example:
      hirehall queues
    """
    queues = hall.queues()
    if as_json:
        say_json({"queues": queues})
    else:
        show_table(COLUMNS, map(row, queues), empty="no queues: the first job makes one")


def row(queue: QueueView) -> tuple[str, ...]:
    """One queue on one line."""
    jobs = queue.jobs
    return (
        queue.queue,
        queue.state,
        str(jobs.get("ready", 0)),
        str(jobs.get("running", 0)),
        str(jobs.get("scheduled", 0) + jobs.get("blocked", 0)),
        str(jobs.get("failed", 0)),
        str(queue.workers),
        age(queue.oldest_waiting_at).removesuffix(" ago"),
        limits(queue),
    )


def limits(queue: QueueView) -> str:
    """The limits that are set."""
    found = [f"{getattr(queue, name):g} {words}" for name, words in LIMITS.items() if getattr(queue, name) is not None]
    return ", ".join([*found, *([f"{queue.lock_limit} per lock"] if queue.lock_limit != 1 else [])])
