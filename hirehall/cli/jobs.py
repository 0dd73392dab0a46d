"""`hirehall jobs`: the newest jobs."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, connect, where
from hirehall.cli.output import age, one_line, reason, say_json
from hirehall.cli.tables import Column, show_table
from hirehall.client.jobs import JobInfo
from hirehall.client.sync_client import Hall
from hirehall.model import State

PAGE = 1_000  # jobs in one request
STATES = tuple(state.word for state in State)


@click.command(short_help="List jobs, the newest first.")
@click.option("--queue", metavar="NAME", help="Only of this queue.")
@click.option("--kind", metavar="NAME", help="Only of this kind.")
@click.option("--state", type=click.Choice(STATES), help="Only in this state.")
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=20,
    show_default=True,
    metavar="NUMBER",
    help="At most so many.",
)
@where
@JSON
def command(
    queue: str | None,
    kind: str | None,
    state: str | None,
    limit: int,
    url: str | None,
    token: str | None,
    data: str | None,
    as_json: bool,
) -> None:
    """List jobs, the newest first. `show` tells everything about one."""
    filters = {"queue": queue, "kind": kind, "state": state}
    with connect(url, token, data) as hall:
        jobs = newest(hall, {name: value for name, value in filters.items() if value is not None}, limit)
    if as_json:
        say_json({"jobs": jobs})
    else:
        show_table(COLUMNS, map(row, jobs), empty="no jobs")


def newest(hall: Hall, filters: dict[str, str], limit: int) -> list[JobInfo]:
    """As many pages as it takes."""
    jobs: list[JobInfo] = []
    while len(jobs) < limit:
        wanted = min(limit - len(jobs), PAGE)
        before = {"before": jobs[-1].id} if jobs else {}
        page = hall.find(limit=wanted, **filters, **before).jobs
        jobs += page
        if len(page) < wanted:
            break
    return jobs


COLUMNS = (
    Column("id"),
    Column("state"),
    Column("kind", shrinks=True),
    Column("queue", shrinks=True),
    Column("attempt", is_number=True),
    Column("created"),
    Column("worker", shrinks=True),
    Column("why", shrinks=True),
)


def row(job: JobInfo) -> tuple[str, ...]:
    """One job, as a person skims it."""
    attempt = f"{job.attempt}/{job.max_attempts + job.forgiven}"
    return (
        job.id,
        job.state,
        job.kind,
        job.queue,
        attempt,
        age(job.created_at),
        job.worker or "",
        one_line(reason(job)),
    )
