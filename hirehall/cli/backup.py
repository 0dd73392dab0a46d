"""`hirehall backup`: a copy of everything, while the hall runs."""

from __future__ import annotations

from pathlib import Path

import click

from hirehall.cli.copying import bar
from hirehall.cli.database import database, where
from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON
from hirehall.cli.output import say, say_json
from hirehall.stores.sqlite_backup import backup


@click.command(short_help="Copy a hall's jobs to a file, while it runs.")
@click.argument("file", type=click.Path(path_type=Path))
@where
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@JSON
def command(file: Path, data: str | None, store: str | None, force: bool, as_json: bool) -> int:
    """Copy everything that a hall keeps, as it is at this moment, to FILE. The hall may be running and goes on.

    FILE gets its name when the copy is complete, checked and on the disk. It holds payloads and results: only its
    owner may read it.

    \b
    Examples:
      hirehall backup /backup/hall.db
      hirehall backup hall.db --data /srv/hall --force
    """
    with bar("copying") as progress:
        made = backup(database(data, store), file.absolute(), progress, force=force)
    if as_json:
        say_json(made)
    else:
        say(f"{made.jobs} jobs backed up to {file} ({made.bytes / (1 << 20):.1f} MiB)")
    return Exit.OK
