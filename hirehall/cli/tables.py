"""Tables: as wide as the terminal and no wider; whole, and without colours, for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hirehall.cli.output import clean, wants_colours

PIPE_COLUMNS = 10_000  # nobody's line is cut for a program
GAP = 2  # spaces between two columns
NARROWEST = 8  # characters that a column keeps


class Column(NamedTuple):
    """`shrinks`: may lose its end when the terminal is narrow."""

    name: str
    is_number: bool = False
    shrinks: bool = False


STYLES = {"succeeded": "green", "failed": "red", "expired": "red", "cancelled": "yellow", "running": "cyan"}


class Screen(Console):
    """Stdout; rich heeds the terminal's width and what it can show."""

    def on_broken_pipe(self) -> None:
        """rich would exit with the status of a failed job; `main` knows better."""
        raise BrokenPipeError


def console() -> Console:
    """As wide as the terminal; for a pipe as wide as anything."""
    colours: Literal["auto"] | None = "auto" if wants_colours() else None
    return Screen(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS, color_system=colours)


def show_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], empty: str = "") -> None:
    """Print it; `empty` instead when there are no rows."""
    screen = console()
    cells = [list(map(cell, row)) for row in rows]
    screen.print(grid(columns, cells, screen.width) if cells else Text(empty))


def grid(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> Table:
    """The rows under their names, at most `width` characters wide if that can be."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, GAP, 0, 0))
    for column, room in zip(columns, fitted(columns, rows, width), strict=True):
        justify: Literal["left", "right"] = "right" if column.is_number else "left"
        table.add_column(column.name, justify=justify, no_wrap=True, overflow="ellipsis", width=room)
    for row in rows:
        table.add_row(*row)
    return table


def fitted(columns: Sequence[Column], rows: Sequence[Sequence[Text]], width: int) -> list[int]:
    """How wide each column is: what does not fit is taken from the last ones that may shrink."""
    rooms = [
        max([len(column.name), *(cell_len(row[place].plain) for row in rows)]) for place, column in enumerate(columns)
    ]
    excess = sum(rooms) + GAP * (len(rooms) - 1) - width
    for place in reversed(range(len(columns))):
        if columns[place].shrinks and excess > 0:
            taken = min(excess, max(rooms[place] - max(len(columns[place].name), NARROWEST), 0))
            rooms[place] -= taken
            excess -= taken
    return rooms


def cell(text: str) -> Text:
    """One cell, one line; a state has its colour."""
    return Text(clean(text), style=STYLES.get(text, ""), no_wrap=True, overflow="ellipsis")
