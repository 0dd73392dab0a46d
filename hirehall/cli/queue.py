"""`hirehall queue`: one queue's settings, and setting them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import click

from hirehall.cli.hall import JSON, at_hall
from hirehall.cli.lines import STATES
from hirehall.cli.output import age, say, say_json, span
from hirehall.cli.settings import backoff, whole
from hirehall.cli.settings import span as seconds
from hirehall.client.sync_client import Hall
from hirehall.errors import BadRequest
from hirehall.wire.replies import QueueView

DEFAULT = "default"


class Setting(click.ParamType[Any]):
    """A value, or `default` to take the setting back."""

    name = "setting"

    def __init__(self, read: Callable[[str], Any]) -> None:
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if value == DEFAULT:
            return DEFAULT
        try:
            return self._read(value)
        except click.UsageError as exc:
            self.fail(exc.message, param, ctx)


def number(word: str) -> float:
    """A number, whole or not."""
    try:
        return float(word)
    except ValueError:
        raise click.UsageError(f"{word!r} is no number") from None


@click.command(short_help="Show a queue, or set its limits.")
@click.argument("name", metavar="QUEUE")
@click.option("--state", type=click.Choice([*STATES]), metavar="STATE", help=f"One of {', '.join(STATES)}.")
@click.option("--max-running", type=Setting(whole), metavar="NUMBER", help="Jobs that run at once.")
@click.option("--max-per-second", type=Setting(number), metavar="NUMBER", help="Jobs that are handed out in a second.")
@click.option("--max-waiting", type=Setting(whole), metavar="NUMBER", help="Jobs that wait; more are refused.")
@click.option("--lock-limit", type=Setting(whole), metavar="NUMBER", help="Jobs with the same lock that run at once.")
@click.option("--max-attempts", type=Setting(whole), metavar="NUMBER", help="Attempts of jobs that do not say.")
@click.option("--backoff", type=Setting(backoff), metavar="RULE", help="exponential|linear|constant:FIRST[:MOST].")
@click.option("--keep", "keep_seconds", type=Setting(seconds), metavar="TIME", help="How long ended jobs are kept.")
@at_hall
@JSON
def command(hall: Hall, name: str, as_json: bool, **settings: Any) -> None:
    """Show a queue, after setting what is given. `default` as a value takes a setting back.

    \b
    Examples:
      hirehall queue images
      hirehall queue images --max-running 4 --lock-limit 2
      hirehall queue images --max-running default
    """
    given: Any = {field: None if value == DEFAULT else value for field, value in settings.items() if value is not None}
    try:
        view = hall.queue(name, **given)
    except BadRequest as exc:
        raise BadRequest(exc.message.replace("null", DEFAULT)) from exc  # the wire's word is not ours
    if as_json:
        say_json(view)
        return
    for field, text in fields(view):
        say(f"{field:<15} {text}")


def fields(queue: QueueView) -> Iterator[tuple[str, str]]:
    """What there is to say, in the order in which one asks."""
    rule = queue.backoff
    most = {"max_running": queue.max_running, "max_per_second": queue.max_per_second, "max_waiting": queue.max_waiting}
    yield "queue", queue.queue
    yield "state", queue.state
    yield "jobs", ", ".join(f"{many} {state}" for state, many in queue.jobs.items() if many) or "none"
    yield "workers", str(queue.workers)
    if queue.oldest_waiting_at is not None:
        yield "oldest waits", age(queue.oldest_waiting_at).removesuffix(" ago")
    for field, limit in most.items():
        yield field.replace("_", " "), "no limit" if limit is None else f"{limit:g}"
    yield "lock limit", str(queue.lock_limit)
    yield "max attempts", str(queue.max_attempts)
    yield "backoff", f"{rule.kind}, from {span(rule.base_seconds)} to {span(rule.max_seconds)}"
    yield "kept", span(queue.keep_seconds)
