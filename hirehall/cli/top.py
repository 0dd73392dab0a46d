"""`hirehall top`: rates, queues and workers, live. One connection, four questions a second."""

from __future__ import annotations

import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import say_json
from hirehall.cli.pulse import Frame, Sample, sample
from hirehall.cli.tables import console
from hirehall.client.sync_client import Hall

EVERY_SECONDS = 1.0
QUIT = "q"


@click.command(short_help="Watch rates, queues and workers live.")
@click.option("--once", is_flag=True, help="Print one frame, measured over a second, and end.")
@at_hall
@JSON
def command(hall: Hall, once: bool, as_json: bool) -> int:
    """Watch rates, queues and workers, anew each second, until q or Ctrl-C. For a pipe it prints one frame; with
    --json one line each second.

    \b
    Examples:
      hirehall top
      hirehall top --once --json | jq .rates
    """
    try:
        if as_json:
            stream(hall, once)
        elif once or not sys.stdout.isatty():
            print_one(hall)
        else:
            live(hall)
    except KeyboardInterrupt:
        return Exit.OK if sys.stdout.isatty() else Exit.INTERRUPTED
    return Exit.OK


def frames(hall: Hall) -> Iterator[Frame]:
    """One each second; nothing when the person wants to leave."""
    before: Sample = sample(hall)
    while not asked_to_quit():
        now = sample(hall)
        yield Frame.of(hall.welcome, before, now)
        before = now


def stream(hall: Hall, once: bool) -> None:
    """For programs."""
    for frame in frames(hall):
        say_json(frame)
        if once:
            return


def print_one(hall: Hall) -> None:
    """One frame, whole."""
    from hirehall.cli.screens import drawn  # noqa: PLC0415 - rich takes 50 ms to import

    screen = console()
    screen.print(drawn(next(frames(hall)), screen.width, None))


def live(hall: Hall) -> None:
    """On the other screen, so that the terminal is as before afterwards."""
    from rich.live import Live  # noqa: PLC0415

    from hirehall.cli.screens import WAITING, drawn  # noqa: PLC0415

    with single_keys(), Live(WAITING, console=console(), screen=True, auto_refresh=False) as screen:
        for frame in frames(hall):
            screen.update(drawn(frame, *screen.console.size), refresh=True)


def asked_to_quit() -> bool:
    """Wait for the next second, or for the key that ends it."""
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        select.select([], [], [], EVERY_SECONDS)
        return False
    ready, _, _ = select.select([sys.stdin], [], [], EVERY_SECONDS)
    return bool(ready) and sys.stdin.read(1) in {QUIT, QUIT.upper(), ""}


@contextmanager
def single_keys() -> Iterator[None]:
    """A key counts without Enter, and is not shown."""
    if not sys.stdin.isatty():
        yield
        return
    import termios  # noqa: PLC0415 - not on every platform
    import tty  # noqa: PLC0415

    before = termios.tcgetattr(sys.stdin)
    tty.setcbreak(sys.stdin)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)
