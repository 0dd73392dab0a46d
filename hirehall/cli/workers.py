"""`hirehall workers`: who is here."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import json_text, say_json, span
from hirehall.cli.tables import Column, show_table
from hirehall.client.sync_client import Hall
from hirehall.wire.replies import WorkerView

WORD = Column("word")  # only where the names are not enough to tell them apart
COLUMNS = (
    Column("worker"),
    Column("state"),
    Column("running", is_number=True),
    Column("queues", shrinks=True),
    Column("kinds", shrinks=True),
    Column("offers", shrinks=True),
    Column("silent"),
)


@click.command(short_help="List the workers and what they do.")
@at_hall
@JSON
def command(hall: Hall, as_json: bool) -> None:
    """List the workers: how many of their places are taken, what they serve, and for how long nothing was
    heard of them. Where several have the same name, their words tell them apart.

    \b
    Example:
      hirehall workers
    """
    workers = hall.workers()
    if as_json:
        say_json({"workers": workers})
    else:
        names = {worker.name for worker in workers}
        columns = COLUMNS if len(names) == len(workers) else (*COLUMNS, WORD)
        rows = [row(worker)[: len(columns)] for worker in workers]
        show_table(columns, rows, empty="no workers: start one with `hirehall work TASKS.PY`")


def row(worker: WorkerView) -> tuple[str, ...]:
    """One worker on one line."""
    return (
        worker.name,
        worker.state if worker.connected else "gone",
        load(worker),
        ", ".join(worker.queues),
        ", ".join(worker.kinds),
        " ".join(f"{name}={offered(value)}" for name, value in worker.offers.items()),
        span(worker.silent_seconds),
        worker.worker,
    )


def load(worker: WorkerView) -> str:
    """How many jobs it runs, of how many at once; and how many more it holds, which it will begin in a moment."""
    held = max(len(worker.running) - worker.slots, 0) if worker.slots else 0
    return f"{len(worker.running) - held}/{worker.slots}" + (f" +{held}" if held else "")


def offered(value: object) -> str:
    """A text as it is, everything else as JSON."""
    return value if isinstance(value, str) else json_text(value)
