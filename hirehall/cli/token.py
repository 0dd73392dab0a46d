"""`hirehall token`: who may do what on a hall. A token is told once; the hall keeps only its digest."""

from __future__ import annotations

from typing import Any

import click

from hirehall.cli.hall import JSON, connect, where
from hirehall.cli.output import age, note, say, say_json
from hirehall.cli.repeats import Group
from hirehall.cli.tables import Column, show_table
from hirehall.cli.times import Span

ROLES = ("submit", "work", "read", "admin")


@click.group(cls=Group, short_help="Make, list and revoke tokens: who may do what.")
def command() -> None:
    """Make, list and revoke the tokens by which programs say who they are.

    A token has one or more roles: submit (hand in jobs, follow its own), work (take jobs), read (see all jobs),
    admin (everything else: cancel, retry, queues, tokens). It may be limited to some queues and kinds, and in time.

    \b
    Examples:
      hirehall token create web --role submit --queue images --ttl 30d
      hirehall token list
      hirehall token revoke web
    """


@command.command(short_help="Make a token and print it, once.")
@click.argument("name")
@click.option("--role", "roles", multiple=True, required=True, type=click.Choice(ROLES), help="Again for more.")
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="Only this queue; again for more.")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only this kind of job; again for more.")
@click.option(
    "--ttl",
    "ttl_seconds",
    type=Span(is_positive=True),
    metavar="TIME",
    help="Expires after this: 12h, 30d, or seconds.",
)
@click.option("--expires", "expires_at", metavar="TIME", help="Expires then: 2030-01-31T12:00:00Z.")
@where
@JSON
def create(
    name: str,
    roles: tuple[str, ...],
    queues: tuple[str, ...],
    kinds: tuple[str, ...],
    url: str | None,
    token: str | None,
    data: str | None,
    as_json: bool,
    **expiry: Any,
) -> None:
    """Make a token called NAME and print it.

    It is told only now: keep it where its program finds it, for example as HIREHALL_TOKEN.
    """
    limits = {"queues": list(queues) or None, "kinds": list(kinds) or None}
    wanted = {"cmd": "token", "do": "create", "name": name, "roles": list(roles), **limits, **expiry}
    with connect(url, token, data) as hall:
        made = hall.request(wanted)
    if as_json:
        say_json({"name": made["name"], "token": made["token"]})
        return
    say(made["token"])
    note(f"this is token {name!r}; it is not told again")


@command.command("list", short_help="List tokens, not what they are.")
@where
@JSON
def list_tokens(url: str | None, token: str | None, data: str | None, as_json: bool) -> None:
    """List the tokens that were made here, with what they may do.

    The one in access.json is not among them.
    """
    with connect(url, token, data) as hall:
        tokens = hall.request({"cmd": "token", "do": "list"})["tokens"]
    if as_json:
        say_json({"tokens": tokens})
    else:
        show_table(COLUMNS, map(row, tokens), empty="no tokens but the one in access.json")


COLUMNS = (
    Column("name"),
    Column("roles"),
    Column("queues", shrinks=True),
    Column("kinds", shrinks=True),
    Column("made"),
    Column("expires"),
)


def row(token: dict[str, Any]) -> tuple[str, ...]:
    """One line of the list."""
    limits = (", ".join(token[what]) if token[what] is not None else "all" for what in ("queues", "kinds"))
    expires = age(token["expires_at"]) or "never"
    return (token["name"], ", ".join(token["roles"]), *limits, age(token["created_at"]), expires)


@command.command(short_help="End a token, now.")
@click.argument("name")
@where
@JSON
def revoke(name: str, url: str | None, token: str | None, data: str | None, as_json: bool) -> None:
    """End the token called NAME.

    Its connections are closed, and what its workers have in hand is ready for others, within a second.
    """
    with connect(url, token, data) as hall:
        hall.request({"cmd": "token", "do": "revoke", "name": name})
    if as_json:
        say_json({"revoked": name})
    else:
        note(f"token {name!r} is revoked")
