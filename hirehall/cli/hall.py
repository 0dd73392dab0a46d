"""What every command that talks to a hall shares: where it is, and how its answer is wanted."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import click

from hirehall.client.address import locate
from hirehall.client.sync_client import Hall
from hirehall.errors import BadRequest

F = TypeVar("F", bound=Callable[..., Any])
CA = "hirehall.ca"


def remember_ca(context: click.Context, _parameter: click.Parameter, value: str | None) -> None:
    """Commands need not hand `--ca` on: `connect` finds it."""
    context.meta[CA] = value


WHERE = (
    click.option(
        "--url",
        metavar="URL",
        help="The hall: hall://HOST:PORT, hall+tls://HOST:PORT or hall+unix:///PATH  [env: HIREHALL_URL]",
    ),
    click.option("--token", metavar="TOKEN", help="Who you are to it  [env: HIREHALL_TOKEN]"),
    click.option(
        "--data",
        metavar="DIRECTORY",
        help="Find the hall by the access file of its data directory  [env: HIREHALL_DATA]",
    ),
    click.option(
        "--ca",
        metavar="FILE",
        expose_value=False,
        callback=remember_ca,
        help="Who signed the hall's certificate, for hall+tls, if no CA of the system did  [env: HIREHALL_CA]",
    ),
)
JSON = click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")


def where(function: F) -> F:
    """Add `--url --token --data --ca`; the first three come in by their names."""
    for option in reversed(WHERE):
        function = option(function)
    return function


def authority() -> str | None:
    """The `--ca` of the command that runs."""
    context = click.get_current_context(silent=True)
    return None if context is None else context.meta.get(CA)


def check_ca(ca: str | None, url: str | None, token: str | None, data: str | None) -> None:
    """Raises BadRequest where `--ca` would have nothing to do."""
    if ca and not (address := locate(url, token, data=data)).tls:
        raise BadRequest(f"--ca {ca}: nothing is signed at {address}: write hall+tls://HOST:PORT, or leave --ca out")


def connect(url: str | None, token: str | None, data: str | None) -> Hall:
    """A connection to that hall. Raises Unavailable, Unauthenticated or BadRequest."""
    check_ca(authority(), url, token, data)
    return Hall(url, token, name="hirehall command", data=data, ca=authority())


def at_hall(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--url --token --data`; the connection that they mean comes in as `hall`, and is closed afterwards."""

    @where
    @wraps(function)
    def inside(*, url: str | None, token: str | None, data: str | None, **options: Any) -> Any:
        with connect(url, token, data) as hall:
            return function(hall=hall, **options)

    return inside
