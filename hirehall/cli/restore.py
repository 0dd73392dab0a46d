"""`hirehall restore`: a data directory out of a backup."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from hirehall.blobs.local import path_of
from hirehall.cli.copying import bar
from hirehall.cli.database import blobs, database, where
from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON
from hirehall.cli.output import note, say, say_json
from hirehall.stores.sqlite_backup import restore


@click.command(short_help="Make a hall's jobs those of a backup.")
@click.argument("file", type=click.Path(path_type=Path))
@where
@click.option("--force", is_flag=True, help="Also where there are jobs: they are kept beside, under another name.")
@JSON
def command(file: Path, data: str | None, store: str | None, force: bool, as_json: bool) -> int:
    """Make a hall's jobs those of the backup in FILE. The hall must not be running; start it afterwards.

    Jobs that have ended since the backup was made are waiting again and will run again. Contents of files belong into
    the directory `blobs` of the hall's data, before or after.

    \b
    Examples:
      hirehall restore /backup/hall.db
      hirehall restore hall.db --data /srv/hall --force
    """
    with bar("restoring") as progress:
        made = restore(file.absolute(), database(data, store), progress, time.time_ns() // 1_000_000, force=force)
    missing = sum(not path_of(blobs(data), sha256).exists() for sha256 in made.contents)
    if as_json:
        say_json(msgspec.to_builtins(made) | {"contents": len(made.contents), "contents_missing": missing})
        return Exit.OK
    say(f"{made.jobs} jobs restored to {made.file}; start the hall on it with `hirehall serve`")
    if made.running:
        note(f"{made.running} of them were running: they run again when their leases have run out")
    if missing:
        note(f"{missing} of {len(made.contents)} contents of files are not in {blobs(data)}: put their copy there")
    if made.kept is not None:
        note(f"what was there before is {made.kept}")
    return Exit.OK
