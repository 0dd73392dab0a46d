"""`hirehall cancel`: end jobs, wherever they are."""

from __future__ import annotations

import click

from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, connect, where
from hirehall.cli.output import complain, say, say_json
from hirehall.client.sync_client import Hall
from hirehall.errors import HallError, NotFound, WrongState


@click.command(short_help="End jobs, wherever they are.")
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@where
@JSON
def command(ids: tuple[str, ...], url: str | None, token: str | None, data: str | None, as_json: bool) -> int:
    """End jobs that have not ended: waiting ones never start, the worker of a running one is told to stop."""
    cancelled: list[str] = []
    refused: list[dict[str, str]] = []
    with connect(url, token, data) as hall:
        for job in dict.fromkeys(ids):
            error = end(hall, job)
            if error is None:
                cancelled.append(job)
            else:
                refused.append({"id": job, "code": error.code, "message": error.message})
            if not as_json:
                say(f"job {job} cancelled") if error is None else complain(error.message)
    if as_json:
        say_json({"cancelled": cancelled, "refused": refused})
    return Exit.HALL if refused else Exit.OK


def end(hall: Hall, job: str) -> HallError | None:
    """Cancel one; why not, if so."""
    try:
        hall.cancel(job)
    except (NotFound, WrongState) as exc:
        return exc
    return None
