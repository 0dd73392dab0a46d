"""`hirehall kinds`: what can be run now."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import json_text, say_json
from hirehall.cli.tables import Column, show_table
from hirehall.client.sync_client import Hall
from hirehall.wire.replies import KindOffer

COLUMNS = (
    Column("kind", shrinks=True),
    Column("queues", shrinks=True),
    Column("workers", is_number=True),
    Column("offers", shrinks=True),
)


@click.command(short_help="List what the workers can run.")
@at_hall
@JSON
def command(hall: Hall, as_json: bool) -> None:
    """List the kinds that the workers can run, from which queues, and what they offer.

    \b
    Example:
      hirehall kinds
    """
    kinds = hall.kinds()
    if as_json:
        say_json({"kinds": kinds})
    else:
        show_table(
            COLUMNS,
            map(row, kinds),
            empty="no worker is here that runs what you may see: start one with `hirehall work TASKS.PY`",
        )


def row(kind: KindOffer) -> tuple[str, ...]:
    """One kind on one line."""
    offers = "; ".join(json_text(offer) for offer in kind.offers if offer)
    return kind.kind, ", ".join(kind.queues), str(kind.workers), offers
