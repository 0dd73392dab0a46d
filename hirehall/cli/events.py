"""`hirehall events`: what happens, as it happens."""

from __future__ import annotations

from datetime import datetime

import click

from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import clean, note, say, say_json, style
from hirehall.cli.selectors import chosen
from hirehall.client.streams import Event, Watched
from hirehall.client.sync_client import Hall

COLOURS = {"succeed": "green", "fail": "red", "timeout": "red", "lose": "red", "expire": "red", "cancel": "yellow"}


@click.command(short_help="Print what happens, as it happens.")
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option("--queue", "queues", multiple=True, metavar="NAME", help="Only of this queue; again for more.")
@click.option("--kind", "kinds", multiple=True, metavar="NAME", help="Only of this kind; again for more.")
@click.option("--event", "events", multiple=True, metavar="NAME", help="Only these: submit, deliver, succeed, fail ...")
@click.option("--since", metavar="SEQ", help="From this event on; --json shows each one's seq.")
@at_hall
@JSON
def command(hall: Hall, ids: tuple[str, ...], since: str | None, as_json: bool, **only: tuple[str, ...]) -> int:
    """Print what happens to jobs, as it happens, until Ctrl-C. With --json one line of JSON for each event.

    \b
    Examples:
      hirehall events --queue images --event fail
      hirehall events last:5 --json
    """
    given = {name: list(words) for name, words in only.items() if words}
    watched: Watched = {"since": since, "ids": chosen(hall, ids) if ids else None, **given}  # type: ignore[typeddict-item]
    try:
        for event in hall.watch(**watched):
            say_json(event) if as_json else show(event)
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    return Exit.OK


def show(event: Event) -> None:
    """One line."""
    if event.event == "gap":
        note("events are missing here: `hirehall jobs` shows how things are now")
        return
    at = datetime.fromisoformat(event.at).astimezone().strftime("%H:%M:%S") if event.at else ""
    name = style(f"{event.event:<9}", COLOURS.get(event.event))
    words = (event.id, f"{event.queue}/{event.kind}" if event.kind else "", attempt(event), event.worker, event.text)
    say(f"{at}  {name}  " + "  ".join(clean(word) for word in words if word))


def attempt(event: Event) -> str:
    """Which one, once there is one."""
    return f"attempt {event.attempt}" if event.attempt else ""
