"""What the commands that work on a hall's file share: where it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from hirehall.config import settle
from hirehall.errors import BadRequest

F = TypeVar("F", bound=Callable[..., Any])

WHERE = (
    click.option("--data", metavar="DIRECTORY", help="The hall's data directory  [env: HIREHALL_DATA]"),
    click.option("--store", metavar="URL", help="Its store, if that is elsewhere: sqlite:PATH  [env: HIREHALL_STORE]"),
)


def where(function: F) -> F:
    """Add `--data --store`; they come in as those two names."""
    for option in reversed(WHERE):
        function = option(function)
    return function


def blobs(data: str | None) -> Path:
    """The directory in which that hall keeps contents of files, there or not."""
    return settle({"data": data}).data / "blobs"


def database(data: str | None, store: str | None) -> Path:
    """The file in which that hall keeps its jobs, there or not. Raises BadRequest when it keeps them in none."""
    url = settle({"data": data, "store": store}).store
    scheme, _, path = url.partition(":")
    if scheme != "sqlite" or not path:
        raise BadRequest(f"--store {url}: there is no file to work on; name one as sqlite:PATH")
    return Path(path).expanduser().absolute()
