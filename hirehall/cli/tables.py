"""Tables: as wide as the terminal and no wider; whole, and without colours, for a pipe."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from rich.console import Console
from rich.table import Table
from rich.text import Text

from hirehall.cli.output import clean

PIPE_COLUMNS = 10_000  # nobody's line is cut for a program


class Column(NamedTuple):
    """`shrinks`: may lose its end when the terminal is narrow."""

    name: str
    is_number: bool = False
    shrinks: bool = False


STYLES = {"succeeded": "green", "failed": "red", "expired": "red", "cancelled": "yellow", "running": "cyan"}


class Screen(Console):
    """Stdout; rich heeds NO_COLOR, the terminal's width and what it can show."""

    def on_broken_pipe(self) -> None:
        """rich would exit with the status of a failed job; `main` knows better."""
        raise BrokenPipeError


def console() -> Console:
    """As wide as the terminal; for a pipe as wide as anything."""
    return Screen(highlight=False, width=None if sys.stdout.isatty() else PIPE_COLUMNS)


def show_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], empty: str = "") -> None:
    """Print it; `empty` instead when there are no rows."""
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        justify: Literal["left", "right"] = "right" if column.is_number else "left"
        table.add_column(column.name, justify=justify, no_wrap=not column.shrinks, min_width=len(column.name))
    for row in rows:
        table.add_row(*map(cell, row))
    console().print(table if table.row_count else Text(empty))


def cell(text: str) -> Text:
    """One cell, one line; a state has its colour."""
    return Text(clean(text), style=STYLES.get(text, ""), no_wrap=True, overflow="ellipsis")
