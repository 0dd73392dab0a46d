"""`hirehall worker`: tell one worker what to do."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import say, say_json
from hirehall.client.sync_client import Hall

DONE = {
    "pause": "takes no more jobs",
    "resume": "takes jobs again",
    "drain": "finishes what it has and leaves",
    "stop": "gives back what it has and leaves",
}


@click.command(short_help="Tell one worker to pause, resume, drain or stop.")
@click.argument("name", metavar="WORKER")
@click.argument("do", required=False, type=click.Choice([*DONE]), metavar=f"[{'|'.join(DONE)}]")
@click.option("--credit", type=click.IntRange(0), metavar="NUMBER", help="How many jobs it runs at once.")
@at_hall
@JSON
def command(hall: Hall, name: str, do: str | None, credit: int | None, as_json: bool) -> None:
    """Tell one worker to pause, resume, drain (finish and leave) or stop (give back and leave), or how many jobs it
    runs at once. WORKER is the word or the name that `hirehall workers` shows.

    \b
    Examples:
      hirehall worker render-01 drain
      hirehall worker render-01 --credit 2
    """
    if (do is None) == (credit is None):
        raise click.UsageError(f"say what it shall do: {', '.join(DONE)}, or --credit NUMBER")
    hall.worker(name, do or "set", credit)
    said = DONE[do] if do else f"holds at most {credit} {'job' if credit == 1 else 'jobs'}"
    if as_json:
        say_json({"worker": name, "do": do or "set", "credit": credit})
    else:
        say(f"worker {name} {said}")
