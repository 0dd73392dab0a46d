"""Tables fit the terminal, and lose what matters least."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from hirehall.cli import tables
from hirehall.cli.tables import Column, show_table

COLUMNS = (Column("id"), Column("kind", shrinks=True), Column("why", shrinks=True))
ROWS = [("0ca8b1adf333d000", "resize", "a long reason " * 10), ("0ca8b1adf333d001", "[red]crop[/red]", "")]


def drawn(monkeypatch: pytest.MonkeyPatch, width: int) -> list[str]:
    """The table on a terminal of this width."""
    screen = io.StringIO()
    monkeypatch.setattr(tables, "console", lambda: Console(file=screen, width=width, highlight=False))
    show_table(COLUMNS, ROWS)
    return [line.rstrip() for line in screen.getvalue().splitlines()]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_a_table_is_no_wider_than_the_terminal_and_one_line_a_row(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = drawn(monkeypatch, width)
    assert len(lines) == 3
    assert max(map(len, lines)) <= width


@pytest.mark.parametrize("width", [40, 60])
def test_what_one_copies_is_never_cut(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    lines = drawn(monkeypatch, width)
    assert lines[1].startswith("0ca8b1adf333d000 ")
    assert lines[1].endswith("…")


def test_what_a_stranger_named_is_shown_and_not_obeyed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "[red]crop[/red]" in drawn(monkeypatch, 80)[2]
