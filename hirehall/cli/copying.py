"""The bar of `backup` and `restore`, drawn on stderr."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from hirehall.cli.output import is_terminal


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Draw how far a copy is: what this yields is told the pages copied and all pages. Nothing is drawn for a pipe."""
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True, quiet=not is_terminal()), transient=True) as progress:
        task = progress.add_task(what, total=None)

        def show(done: int, total: int) -> None:
            text = what if done < total else "checking the copy"
            progress.update(task, description=text, completed=done, total=total)

        yield show
