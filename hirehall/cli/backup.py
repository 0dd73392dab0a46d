"""`hirehall backup`: a copy of everything, while the hall runs."""

from __future__ import annotations

from pathlib import Path

import click

from hirehall.cli.copying import bar
from hirehall.cli.database import blobs, database, where
from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON
from hirehall.cli.output import note, say, say_json
from hirehall.stores.sqlite_backup import backup
from hirehall.stores.sqlite_salvage import Salvaged, salvage

SHOWN_IDS = 20


@click.command(short_help="Copy a hall's jobs to a file, while it runs.")
@click.argument("file", type=click.Path(path_type=Path))
@where
@click.option("--force", is_flag=True, help="Replace FILE if it is there.")
@click.option("--salvage", "is_damaged", is_flag=True, help="Copy what can be read of a damaged store.")
@JSON
def command(file: Path, data: str | None, store: str | None, force: bool, is_damaged: bool, as_json: bool) -> int:
    """Copy everything that a hall keeps, as it is at this moment, to FILE. The hall may be running and goes on.

    FILE gets its name when the copy is complete, checked and on the disk. It holds payloads and results: only its
    owner may read it. Contents of files are not in it: copy the directory `blobs` of the hall's data before and after,
    for example by rsync -a --exclude=uploads. Of a damaged store, whose hall must have stopped, --salvage copies every
    job that can still be read, and names the others.

    \b
    Examples:
      hirehall backup /backup/hall.db
      hirehall backup hall.db --data /srv/hall --force
      hirehall backup saved.db --salvage && hirehall restore saved.db --force
    """
    if is_damaged:
        with bar("reading") as progress:
            saved = salvage(database(data, store), file.absolute(), progress, force=force)
        say_json(saved) if as_json else _tell(saved)
        return Exit.OK
    with bar("copying") as progress:
        made = backup(database(data, store), file.absolute(), progress, force=force)
    if as_json:
        say_json(made)
    else:
        say(f"{made.jobs} jobs backed up to {file} ({made.bytes / (1 << 20):.1f} MiB)")
        if made.contents:
            note(
                f"their files are not in it: copy {blobs(data)} (contents: {made.contents},"
                f" {made.contents_bytes / (1 << 20):.1f} MiB) now, too; best before and after a backup"
            )
    return Exit.OK


def _tell(saved: Salvaged) -> None:
    say(f"{saved.jobs} jobs saved to {saved.file} ({saved.bytes / (1 << 20):.1f} MiB)")
    if saved.lost:
        more = "" if len(saved.lost_ids) <= SHOWN_IDS else ", and others: --json names them"
        named = f": {', '.join(saved.lost_ids[:SHOWN_IDS])}{more}" if saved.lost_ids else ""
        say(f"{saved.lost} jobs could not be read{named}")
    if saved.incomplete:
        say(f"rows may be missing beside them: {', '.join(saved.incomplete)}")
