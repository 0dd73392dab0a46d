"""`hirehall worker`: tell one worker what to do."""

from __future__ import annotations

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.output import say, say_json
from hirehall.client.sync_client import Hall
from hirehall.errors import NotFound

DONE = {
    "pause": "takes no more jobs",
    "resume": "takes jobs again",
    "drain": "finishes what it has and leaves",
    "stop": "gives back what it has and leaves",
}


@click.command(short_help="Tell one worker to pause, resume, drain or stop.")
@click.argument("name", metavar="WORKER")
@click.argument("do", required=False, type=click.Choice([*DONE]), metavar=f"[{'|'.join(DONE)}]")
@click.option("--credit", type=click.IntRange(0), metavar="NUMBER", help="How many jobs it may hold.")
@at_hall
@JSON
def command(hall: Hall, name: str, do: str | None, credit: int | None, as_json: bool) -> None:
    """Tell one worker to pause, resume, drain (finish and leave) or stop (give back and leave), or how many jobs it
    may hold. WORKER is the word or the name that `hirehall workers` shows.

    \b
    Examples:
      hirehall worker render-01 drain
      hirehall worker render-01 --credit 2
    """
    if (do is None) == (credit is None):
        raise click.UsageError(f"say what it shall do: {', '.join(DONE)}, or --credit NUMBER")
    word = word_of(hall, name)
    hall.worker(word, do or "set", credit)
    said = DONE[do] if do else f"holds at most {credit} {'job' if credit == 1 else 'jobs'}"
    if as_json:
        say_json({"worker": word, "do": do or "set", "credit": credit})
    else:
        say(f"worker {name} {said}")


def word_of(hall: Hall, name: str) -> str:
    """The word that the hall knows it by; people know its name."""
    workers = hall.workers()
    if any(worker.worker == name for worker in workers):
        return name
    found = [worker.worker for worker in workers if worker.name == name]
    if not found:
        raise NotFound(f"there is no worker {name}: `hirehall workers` lists them")
    if len(found) > 1:
        raise click.UsageError(f"{name} is the name of {len(found)} workers: write one of {', '.join(found)}")
    return found[0]
