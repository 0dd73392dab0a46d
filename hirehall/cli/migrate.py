"""`hirehall migrate`: which version a hall's file has, and what opening it would do to it."""

from __future__ import annotations

import click

from hirehall.cli.database import database, where
from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON
from hirehall.cli.output import say, say_json
from hirehall.stores.sqlite_upgrade import Versions, versions_of


@click.group(short_help="Look at the version of a hall's file.")
def command() -> None:
    """Look at the version of a hall's file. `serve` brings an older one up to date when it starts.

    \b
    Examples:
      hirehall migrate show
      hirehall migrate show --data /srv/hall --json
    """


@command.command(short_help="Show the file's version and the steps to this one.")
@where
@JSON
def show(data: str | None, store: str | None, as_json: bool) -> int:
    """Show the file's version, the one that this hirehall writes, and the steps that `serve` would run.

    The file is only read, whether a hall is running on it or not.
    """
    versions = versions_of(database(data, store))
    if as_json:
        say_json(versions)
    else:
        for name, value in described(versions):
            say(f"{name:<9}{value}")
    return Exit.OK


def described(versions: Versions) -> list[tuple[str, str]]:
    """Name and value of every line."""
    steps = ", ".join(f"{step:03}" for step in versions.steps)
    return [
        ("file", versions.file),
        ("version", "none: the file is not there yet" if versions.version is None else str(versions.version)),
        ("latest", f"{versions.latest}, which this hirehall writes"),
        ("steps", f"{steps}; `hirehall serve` runs them when it opens the file" if steps else "none: up to date"),
    ]
