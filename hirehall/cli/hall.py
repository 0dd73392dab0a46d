"""What every command that talks to a hall shares: where it is, and how its answer is wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from hirehall.client.sync_client import Hall

F = TypeVar("F", bound=Callable[..., Any])

WHERE = (
    click.option("--url", metavar="URL", help="The hall: hall://HOST:PORT or hall+unix:///PATH  [env: HIREHALL_URL]"),
    click.option("--token", metavar="TOKEN", help="Who you are to it  [env: HIREHALL_TOKEN]"),
    click.option(
        "--data",
        metavar="DIRECTORY",
        help="Find the hall by the access file of its data directory  [env: HIREHALL_DATA]",
    ),
)
JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")


def where(function: F) -> F:
    """Add `--url --token --data`; they come in as those three names."""
    for option in reversed(WHERE):
        function = option(function)
    return function


def connect(url: str | None, token: str | None, data: str | None) -> Hall:
    """A connection to that hall. Raises Unavailable, Unauthenticated or BadRequest."""
    return Hall(url, token, name="hirehall command", data=data)
