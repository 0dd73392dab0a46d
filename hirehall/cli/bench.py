"""`hirehall bench`: what a hall carries on this machine."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO, Any, TypeVar

import click
import msgspec

from hirehall.bench import report
from hirehall.bench.bench import QUICK, Bench, Budget, OpenHall
from hirehall.bench.ground import Ground, ground_of, place_for_data
from hirehall.bench.halls import own_hall, running_hall
from hirehall.bench.rows import measure
from hirehall.cli.bars import progress_bar
from hirehall.cli.exits import Exit, exit_of
from hirehall.cli.hall import WHERE, authority, check_ca
from hirehall.cli.output import complain, is_terminal, note, say
from hirehall.cli.tables import Column, show_table
from hirehall.client.address import locate
from hirehall.errors import HallError
from hirehall.processes import ends_on_signals

REFRESH_SECONDS = 0.1
BACKLOG = 1_000_000
IDLE_WORKERS = 10_000
MINUTES = 5
LEFT_OUT = "0: leave it out.  [default: %d; with --url: 0]"

Said = TypeVar("Said", bound=Callable[..., Any])


class Bar:
    """A bar on stderr: the row, and how far it is. Where nobody watches, a line for each row."""

    def __init__(self) -> None:
        self.row = "the start"
        self.progress = progress_bar()
        self._task = self.progress.add_task(self.row, total=None, said="")
        self._shown_at = 0.0

    def show(self, row: str, done: int, of: int) -> None:
        """Called for every read of a load: looks at the clock, and seldom does more."""
        now = time.monotonic()
        if row == self.row and now < self._shown_at + REFRESH_SECONDS:
            return
        if row != self.row and not is_terminal():
            note(row)
        self.row, self._shown_at = row, now
        self.progress.update(self._task, description=row, completed=done, total=of, said=f"{done:,} of {of:,}")


def optional_number(
    flag: str, metavar: str, kind: click.IntRange | click.FloatRange, value: int, text: str
) -> Callable[[Said], Said]:
    """An option that may be said without its number, which is `value` then."""
    return click.option(flag, metavar=metavar, type=kind, is_flag=False, flag_value=value, help=text)


# What adds load to a hall is not led to one by the environment.
@click.command(short_help="Measure what a hall carries on this machine.")
@click.option("--quick", is_flag=True, help="Less of everything: ends within half a minute.")
@click.option(
    "--json",
    "file",
    metavar="FILE",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write the figures there too, also of a run that does not come to its end.",
)
@optional_number("--backlog", "[JOBS]", click.IntRange(0), BACKLOG, "How many jobs wait beside; " + LEFT_OUT % BACKLOG)
@optional_number(
    "--idle-workers",
    "[NUMBER]",
    click.IntRange(0),
    IDLE_WORKERS,
    "How many workers wait beside; " + LEFT_OUT % IDLE_WORKERS,
)
@optional_number(
    "--sustained",
    "[MINUTES]",
    click.FloatRange(0.1),
    MINUTES,
    f"Full rate for so long too, results kept 30 s.  [{MINUTES} if no number is given]",
)
@click.option(
    "--directory",
    metavar="DIRECTORY",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Put the data below it, on a disk.  [default: TMPDIR, or /var/tmp]",
)
@click.option("--allow-tmpfs", is_flag=True, help="Measure in memory too, where nothing is durable.")
@click.option(
    "--url",
    metavar="URL",
    help="Measure this running hall. Said here only, never taken from the environment.",
)
@WHERE[1]
@WHERE[3]
def command(file: Path | None, directory: Path | None, allow_tmpfs: bool, **options: Any) -> int:
    """Measure what a hall carries on this machine.

    A hall is started, with its data on a disk, a client and a worker: three processes over TCP. Every submit and
    every result is durable before its answer, a job counts when its result is here, and after each row the store is
    asked whether it holds every job. Everything is gone afterwards. With --url a running hall is measured, which takes
    a token with all roles; the jobs are removed from it.

    \b
    Examples:
      hirehall bench --quick
      hirehall bench --json figures.json --sustained
      hirehall bench --directory /srv --backlog 100000 --idle-workers 0
      hirehall bench --url hall://127.0.0.1:11746
    """
    check_options(directory, allow_tmpfs, **options)
    url = options["url"]
    place = None if url else place_for_data(directory, allow_tmpfs)
    open_hall, hall = running(url, options["token"]) if place is None else own(place)
    bar = Bar()
    bench = Bench(open_hall, budget(**options), bar.show)
    with opened(file) as out:
        ground = ground_of(place)
        status = run(bench, bar)
        ground.durability = bench.durability
        if out is not None:
            out.write(msgspec.json.format(msgspec.json.encode(report.report_json(bench, ground, hall))) + b"\n")
    if status == Exit.OK:
        show(bench, ground, hall)
    return status


def check_options(directory: Path | None, allow_tmpfs: bool, **options: Any) -> None:
    """Raises UsageError for what cannot be meant together."""
    url = options["url"]
    if url == "":
        raise click.UsageError("--url is empty: name a running hall, or leave it out for a hall of its own")
    if url and (directory or allow_tmpfs):
        raise click.UsageError("--directory and --allow-tmpfs are for a hall of its own: leave --url or them out")
    if not url and (options["token"] or authority()):
        raise click.UsageError("--token and --ca are for a running hall: name it with --url, or leave them out")
    if options["quick"] and options["sustained"]:
        raise click.UsageError("--quick ends within half a minute: leave it or --sustained out")


def opened(file: Path | None) -> AbstractContextManager[IO[bytes] | None]:
    """Before anything is measured, so that nothing is lost for want of a place. Raises UsageError."""
    if file is None:
        return nullcontext()
    try:
        return file.open("wb")
    except OSError as why:
        raise click.UsageError(f"--json {file}: cannot be written: {why.strerror}") from why


def budget(**options: Any) -> Budget:
    """How much of everything."""
    base = QUICK if options["quick"] else Budget()
    if options["url"]:
        base = msgspec.structs.replace(base, backlog=None, idle_workers=None)
    given = {name: options[name] for name in ("backlog", "idle_workers") if options[name] is not None}
    return msgspec.structs.replace(base, sustained_minutes=options["sustained"], **given)


def own(place: Path) -> tuple[OpenHall, str]:
    """Halls of our own below `place`."""
    return lambda connections: own_hall(place, connections), "a hall of its own, on TCP"


def running(url: str, token: str | None) -> tuple[OpenHall, str]:
    """The hall at `url`."""
    check_ca(authority(), url, token, None)
    address = locate(url, token, ca=authority())
    return lambda _connections: running_hall(str(address), address.token, address.ca), f"the hall at {address}"


def run(bench: Bench, bar: Bar) -> int:
    """Measure; what is left behind by nobody is said when it does not come to its end."""
    try:
        with ends_on_signals(), bar.progress:
            measure(bench)
    except KeyboardInterrupt:
        bench.incomplete = f"interrupted at {bench.at!r}"
        note(f"{bench.incomplete}: what was started has ended, and its files are removed")
        return Exit.INTERRUPTED
    except HallError as exc:
        bench.incomplete = f"{bench.at}: {exc.message}"
        complain(bench.incomplete)
        return exit_of(exc)
    except OSError as exc:
        bench.incomplete = f"{bench.at}: {exc}"
        complain(bench.incomplete)
        return Exit.HALL
    finally:
        for remark in bench.remarks:
            note(remark)
    return Exit.OK


def show(bench: Bench, ground: Ground, hall: str) -> None:
    """Where, the rows, the figures, and what could not be measured."""
    for text in report.standing(ground, hall):
        say(text)
    say("")
    columns = [Column(name, is_number=place > 0, shrinks=place == 0) for place, name in enumerate(report.HEAD)]
    show_table(columns, map(report.cells, bench.rows))
    say("")
    show_table((Column("figure"), Column("value", is_number=True)), report.figures(bench.figures))
    if bench.figures.get("latency_floor_ms"):
        say(report.FLOOR)
    for what, why in bench.not_measured.items():
        note(f"not measured: {what}: {why}")
