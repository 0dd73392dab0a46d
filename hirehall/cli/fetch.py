"""`hirehall fetch`: the files of a job."""

from __future__ import annotations

from pathlib import Path

import click

from hirehall.cli.carrying import fetched
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import note, say, say_json
from hirehall.cli.selectors import chosen_one
from hirehall.client.files import files_of
from hirehall.client.sync_client import Hall
from hirehall.errors import NotFound


@click.command(short_help="Fetch the files of a job.")
@click.argument("job", metavar="ID")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--into",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    metavar="DIRECTORY",
    help="Where to put them.  [default: here]",
)
@at_hall
@JSON
def command(hall: Hall, job: str, names: tuple[str, ...], into: Path, as_json: bool) -> None:
    """Fetch files of a job: those that are named, or else all its outputs.

    ID is a job's id or a beginning of it, or last. Outputs are there once the job has succeeded; its inputs can be
    fetched by their names. Digests are checked, nothing is overwritten, and what broke off is gone on with.

    \b
    Examples:
      hirehall fetch last
      hirehall fetch 0ca8abc2f0400000 report.pdf --into /tmp
    """
    id = chosen_one(hall, job)  # noqa: A001
    files = files_of(hall)
    listed = files.listed(id)
    sizes = {file.name: file.bytes for file in sorted(listed, key=lambda one: one.direction)}
    wanted = dict.fromkeys(names or [file.name for file in listed if file.direction == "out"])
    for name in wanted:
        if name not in sizes:
            raise NotFound(f"job {id} has no file {name!r}; it has: {', '.join(sizes) or 'none'}")
    paths = [str(fetched(files, id, name, sizes[name], into)) for name in wanted]
    if as_json:
        say_json({"files": paths})
        return
    if not paths:
        note(f"job {id} has no outputs" + (f"; its inputs: {', '.join(sizes)}" if sizes else ""))
    for path in paths:
        say(path)
