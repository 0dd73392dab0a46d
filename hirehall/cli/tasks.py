"""`hirehall tasks`: changes of many jobs, which go on in the hall when the command that began them is gone."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import say_json
from hirehall.cli.tables import Column, show_table
from hirehall.client.sync_client import Hall
from hirehall.wire.replies import TaskView

COLUMNS = (
    Column("task"),
    Column("does"),
    Column("state"),
    Column("looked at", is_number=True),
    Column("done", is_number=True),
    Column("refused", is_number=True),
)


@click.command(short_help="List changes of many jobs, which run in the hall, or stop one.")
@click.argument("task", required=False, metavar="[ID]")
@click.option("--stop", is_flag=True, help="End it; what was changed stays so.")
@at_hall
@JSON
def command(hall: Hall, task: str | None, stop: bool, as_json: bool) -> None:
    """List what `cancel`, `retry`, `change` and `remove` with filters began: it runs in the hall, also when the command
    is gone. With ID only that one; --stop ends it after the step under way.

    \b
    Examples:
      hirehall tasks
      hirehall tasks 3 --stop
    """
    if task is None:
        if stop:
            raise click.UsageError("name the task to stop: `hirehall tasks` lists them")
        tasks = hall.tasks()
    else:
        tasks = [hall.stop_task(task) if stop else hall.task(task)]
    if as_json:
        say_json({"tasks": tasks})
    else:
        show_table(COLUMNS, map(row, tasks), empty="no tasks: nobody has changed jobs by filters since the hall began")


def row(task: TaskView) -> tuple[str, ...]:
    """One task on one line."""
    return task.id, task.action, task.state, str(task.looked), str(task.done), str(task.refused)
