"""`hirehall counts`: how many jobs there are."""

from __future__ import annotations

from collections import defaultdict

import click

from hirehall.cli.filters import STATES
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import say_json
from hirehall.cli.tables import Column, show_table
from hirehall.client.sync_client import Hall
from hirehall.wire.replies import CountView


@click.command(short_help="Count the jobs by queue, kind and state.")
@click.option("--queue", metavar="NAME", help="Only of this queue.")
@click.option("--kind", metavar="NAME", help="Only of this kind.")
@at_hall
@JSON
def command(hall: Hall, queue: str | None, kind: str | None, as_json: bool) -> None:
    """Count the jobs by queue, kind and state.

    \b
    Example:
      hirehall counts --queue images
    """
    counts = hall.counts(queue, kind)
    if as_json:
        say_json({"counts": counts})
        return
    states = [state for state in STATES if any(row.state == state for row in counts)]
    columns = [Column("queue", shrinks=True), Column("kind", shrinks=True)]
    show_table([*columns, *(Column(state, is_number=True) for state in states)], rows(counts, states), empty="no jobs")


def rows(counts: list[CountView], states: list[str]) -> list[tuple[str, ...]]:
    """One row per queue and kind."""
    table: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for count in counts:
        table[count.queue, count.kind][count.state] = count.jobs
    return [(*place, *(str(numbers.get(state, "")) for state in states)) for place, numbers in sorted(table.items())]
