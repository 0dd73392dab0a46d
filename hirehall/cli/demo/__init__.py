"""`hirehall demo`: a hall, a Python worker and a script worker as real processes, and a folder to work on."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

import click

from hirehall.cli.demo.bars import follow
from hirehall.cli.demo.crew import Crew
from hirehall.cli.demo.files import Listing, list_files
from hirehall.cli.demo.report import Run, report, report_json
from hirehall.cli.demo.work import hand_in
from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON
from hirehall.cli.output import clean, note, say, say_json
from hirehall.client.sync_client import Hall
from hirehall.processes import ends_on_signals

MOST_FILES = 1_000


@click.command(short_help="See it work: a hall, two workers, one folder.")
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "--limit",
    type=click.IntRange(1),
    default=MOST_FILES,
    metavar="NUMBER",
    help="Files at most.  [default: 1000]",
)
@click.option("--all", "show_all", is_flag=True, help="Show every row of the results.")
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="DIRECTORY",
    help="Keep the hall's data there.  [default: removed at the end]",
)
@JSON
def command(folder: Path, limit: int, show_all: bool, data: Path | None, as_json: bool) -> int:
    """See it work, on the files of DIR (this folder if none is named).

    A hall is started, a worker made of a Python function and one made of a shell script, each a process.
    Every file gets two jobs, one for each worker, with one attempt each. Nothing in DIR is changed.

    \b
    Examples:
      hirehall demo
      hirehall demo ~/Documents --limit 50 --all
    """
    listing = list_files(folder, limit)
    if not as_json:
        introduce(folder, listing)
    if not listing.files:
        return Exit.OK
    with ExitStack() as stack:
        stack.enter_context(ends_on_signals())
        home = data or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="hirehall-demo-")))
        run = perform(stack.enter_context(Crew(home)), folder, listing, is_quiet=as_json)
    if as_json:
        say_json(report_json(run))
    else:
        report(run, show_all, data)
    return Exit.JOB if run.failed else Exit.OK


def introduce(folder: Path, listing: Listing) -> None:
    """What is about to happen, and what is not."""
    number = len(listing.files)
    files = "1 file" if number == 1 else f"{number} files"
    left_out = f"; left out: {listing.left_out}" if listing.left_out else ""
    say(f"{files} in {clean(str(folder.resolve()))}{left_out}")


def perform(crew: Crew, folder: Path, listing: Listing, is_quiet: bool) -> Run:
    """Start everyone, hand everything in, wait for the end."""
    where = crew.start()
    if not is_quiet:
        note(f"hall on {where}, one Python worker, one shell-script worker")
    with Hall(data=crew.home, name="demo") as hall:
        handed_in = hand_in(hall, folder, listing.files)
        follow(handed_in, crew.check, is_quiet)
    return Run.of(handed_in)
