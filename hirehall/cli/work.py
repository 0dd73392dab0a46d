"""`hirehall work`: a worker process made of Python functions, scripts, or both."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Sequence
from typing import Any

import click

from hirehall.cli.hall import JSON, authority, where
from hirehall.cli.output import say, say_json
from hirehall.cli.parsing import read_offers
from hirehall.client.address import locate
from hirehall.errors import Unavailable
from hirehall.runners.command import CommandRunner
from hirehall.runners.port import Runner
from hirehall.runners.python import PythonRunner
from hirehall.runners.registry import JobFunction, load
from hirehall.worker.agent import Agent
from hirehall.worker.process import work as work_until_told
from hirehall.worker.serving import by_kind

SCRIPT_HELP = "Run COMMAND for jobs of KIND: no shell, the payload on stdin. Again for more kinds."
QUEUE_HELP = "Take work from this queue; again for more.  [default: default]"
OFFER_HELP = "What this worker has, for jobs that require it."


@click.command(short_help="Run a worker: Python functions, scripts, or both.")
@click.argument("files", nargs=-1, metavar="[TASKS.PY]...")
@click.option("--script", "scripts", multiple=True, metavar="KIND=COMMAND", help=SCRIPT_HELP)
@click.option("--queue", "queues", multiple=True, metavar="NAME", default=("default",), help=QUEUE_HELP)
@click.option("--concurrency", type=click.IntRange(1), default=10, metavar="N", help="Jobs at once.  [default: 10]")
@click.option("--offer", "offers", multiple=True, metavar="NAME=VALUE", help=OFFER_HELP)
@click.option("--name", metavar="NAME", help="What people call this worker.  [default: the host's name]")
@where
@JSON
def command(
    files: tuple[str, ...],
    scripts: tuple[str, ...],
    offers: tuple[str, ...],
    as_json: bool,
    **agent_options: Any,
) -> None:
    """Run a worker in this terminal.

    TASKS.PY holds functions under `@job` (from hirehall import job); a function's name is its kind. The first
    Ctrl-C finishes what runs and leaves, the second stops at once.
    """
    logging.basicConfig(level=logging.WARNING, format="hirehall: %(message)s")
    logging.getLogger("hirehall").setLevel(logging.INFO)
    url = address(agent_options["url"], agent_options["token"], agent_options["data"])
    runners = [*python_runners(files), *script_runners(scripts, url)]
    if not runners:
        raise click.UsageError("this worker can run nothing: give a file of @job functions, or --script KIND=COMMAND")
    agent = Agent(runners, offers=read_offers("--offer", offers), ca=authority(), **agent_options)
    introduce(agent.name, sorted(by_kind(runners)), agent_options["queues"], agent_options["concurrency"], as_json)
    work_until_told(agent)


def introduce(name: str, kinds: list[str], queues: Sequence[str], concurrency: int, as_json: bool) -> None:
    """Say what this worker serves."""
    if as_json:
        say_json({"name": name, "kinds": kinds, "queues": queues, "concurrency": concurrency})
        return
    where_from = ("queue " if len(queues) == 1 else "queues ") + ", ".join(queues)
    say(f"working on {', '.join(kinds)} from {where_from}, {concurrency} at once; stop with Ctrl-C")


def python_runners(files: Sequence[str]) -> list[Runner]:
    """One runner for the functions of all files. Raises CannotLoad."""
    functions: tuple[JobFunction, ...] = ()
    for file in files:
        functions = load(file)  # each answer holds everything loaded so far
    return [PythonRunner(functions)] if functions else []


def script_runners(scripts: Sequence[str], url: str) -> list[Runner]:
    """One runner per script. Raises BadRequest when a command is not there."""
    return [CommandRunner(kind, argv, url=url) for kind, argv in map(split_script, scripts)]


def split_script(word: str) -> tuple[str, list[str]]:
    """`KIND=COMMAND`, the command split as a shell would, though no shell will see it."""
    kind, equals, line = word.partition("=")
    try:
        argv = shlex.split(line)
    except ValueError as exc:
        raise click.UsageError(f"--script {word!r}: cannot split the command: {str(exc).lower()}") from exc
    if not kind or not equals or not argv:
        raise click.UsageError(f"--script {word!r}: write KIND=COMMAND, for example thumbnail='./thumbnail.sh -q'")
    return kind, argv


def address(url: str | None, token: str | None, data: str | None) -> str:
    """What scripts are told as HALL_URL; empty while no hall has said where it is."""
    try:
        return str(locate(url, token, data=data))
    except Unavailable:
        return ""
