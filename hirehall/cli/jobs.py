"""`hirehall jobs`: the newest jobs."""

from __future__ import annotations

import click

from hirehall.cli.filters import as_flags, filtered
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.job_json import in_page
from hirehall.cli.looking import newest
from hirehall.cli.output import age, note, one_line, reason, say_json
from hirehall.cli.selectors import chosen_one
from hirehall.cli.tables import Column, show_table
from hirehall.client.jobs import JobInfo, Page
from hirehall.client.sync_client import Hall
from hirehall.client.verbs import Filters


@click.command(short_help="List jobs, the newest first.")
@filtered
@click.option(
    "--limit", type=click.IntRange(1), default=20, show_default=True, metavar="NUMBER", help="At most so many."
)
@click.option("--before", metavar="ID", help="Only jobs older than this one: the next page.")
@at_hall
@JSON
def command(hall: Hall, filters: Filters, limit: int, before: str | None, as_json: bool) -> None:
    """List jobs, the newest first. `show` tells everything about one.

    \b
    Examples:
      hirehall jobs --state failed --since 2h
      hirehall jobs --queue images --limit 100 --json | jq '.jobs[].id'
    """
    page = newest(hall, filters, limit, chosen_one(hall, before) if before else None)
    if as_json:
        say_json({"jobs": list(map(in_page, page.jobs)), "next": page.next, "looked_back_to": page.looked_back_to})
        return
    show_table(COLUMNS, map(row, page.jobs), empty="no jobs")
    if page.next is not None:
        mention_more(page, filters, limit)


def mention_more(page: Page, filters: Filters, limit: int) -> None:
    """How to go on."""
    go_on = f"hirehall jobs{as_flags(filters)}{'' if limit == 20 else f' --limit {limit}'} --before {page.next}"
    if page.looked_back_to is not None and len(page.jobs) < limit:
        note(f"looked back to {page.looked_back_to} so far; go on with: {go_on}")
    else:
        note(f"more: {go_on}")


COLUMNS = (
    Column("id"),
    Column("state"),
    Column("kind", shrinks=True),
    Column("queue", shrinks=True),
    Column("attempt", is_number=True),
    Column("age"),
    Column("worker", shrinks=True),
    Column("why", shrinks=True),
)


def row(job: JobInfo) -> tuple[str, ...]:
    """One job, as a person skims it."""
    return (
        job.id,
        job.state,
        job.kind,
        job.queue,
        f"{job.attempt}/{job.max_attempts + job.forgiven}",
        age(job.created_at).removesuffix(" ago"),
        job.worker or "",
        one_line(reason(job)),
    )
