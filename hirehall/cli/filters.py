"""The options that choose jobs by what they are: the same for every command that takes many."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import wraps
from typing import Any

import click

from hirehall.cli.times import Moment
from hirehall.client.verbs import Filters
from hirehall.model import State

STATES = tuple(state.word for state in State)
FIELDS = {
    "queue": "queue",
    "kind": "kind",
    "state": "state",
    "tag": "tag",
    "key": "key",
    "worker": "worker",
    "since": "created_after",
    "until": "created_before",
}
OPTIONS = (
    click.option("--queue", metavar="NAME", help="Only of this queue."),
    click.option("--kind", metavar="NAME", help="Only of this kind."),
    click.option(
        "--state", type=click.Choice(STATES), metavar="STATE", help=f"Only in this state: {', '.join(STATES)}."
    ),
    click.option("--tag", metavar="WORD", help="Only with this tag."),
    click.option("--key", metavar="WORD", help="Only with this key."),
    click.option("--worker", metavar="NAME", help="Only what this worker ran last."),
    click.option("--since", type=Moment(), metavar="TIME", help="Submitted since: 2h (ago), 2026-01-31, RFC 3339."),
    click.option("--until", type=Moment(), metavar="TIME", help="Submitted until then."),
)


def filtered(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options; those that were given come in as `filters`."""

    @wraps(function)
    def inside(**options: Any) -> Any:
        words = {name: options.pop(name) for name in FIELDS}
        filters = {FIELDS[name]: value for name, value in words.items() if value is not None}
        check_range(filters)
        return function(filters=filters, **options)

    decorated: Callable[..., Any] = inside
    for option in reversed(OPTIONS):
        decorated = option(decorated)
    return decorated


def check_range(filters: Mapping[str, Any]) -> None:
    """Raises UsageError for a time that ends before it begins."""
    since, until = (filters.get(FIELDS[name]) for name in ("since", "until"))
    if since and until and datetime.fromisoformat(since) >= datetime.fromisoformat(until):
        raise click.UsageError("--since is later than --until: no job can fit (--since 3m --until 1m is two minutes)")


def as_flags(filters: Filters | Mapping[str, Any]) -> str:
    """The same choice again, for a command line to copy."""
    given: Mapping[str, Any] = filters
    words = [f"--{name} {shlex.quote(str(given[field]))}" for name, field in FIELDS.items() if field in given]
    return "".join(f" {word}" for word in words)
