"""`hirehall work`: a worker process made of Python functions, scripts, or both. Its flags are rows of
`worker.settings.SETTINGS`."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import click

from hirehall import log_lines
from hirehall.cli.hall import JSON, check_ca
from hirehall.cli.output import complain, say, say_json
from hirehall.cli.parsing import read_offers
from hirehall.client.address import locate
from hirehall.errors import Unavailable
from hirehall.runners.command import CommandRunner
from hirehall.runners.pool import ProcessRunner
from hirehall.runners.port import Runner
from hirehall.runners.python import PythonRunner
from hirehall.runners.registry import CannotLoad, JobFunction, load
from hirehall.worker.agent import Agent
from hirehall.worker.config_file import ConfigFile
from hirehall.worker.process import Beside
from hirehall.worker.process import work as work_until_told
from hirehall.worker.reload import Reload, start_anew
from hirehall.worker.serving import by_kind
from hirehall.worker.settings import LOG_FORMATS, LOG_LEVELS, POOLS, SETTINGS, Setting, WorkSettings, settle
from hirehall.worker.steps import LoudAgent


def work(config: str | None, reload: bool, as_json: bool, **flags: Any) -> None:
    """Run a worker in this terminal.

    TASKS.PY holds functions under `@job` (from hirehall import job); a function's name is its kind. The first
    Ctrl-C finishes what runs and leaves, the second stops at once. A change of queues, offers, concurrency, paused or
    draining in the file that --config names counts within seconds; flags count before the file.

    Files of a job: a function has them in context.files and leaves its own in context.out, a script in the
    directories $HALL_IN and $HALL_OUT. They lie in TMPDIR while it runs.

    \b
    Examples:
      hirehall work tasks.py --queue images --concurrency 4
      hirehall work --script 'shout=tr a-z A-Z'
      hirehall work tasks.py --pool process --config worker.toml
    """
    set_up_logging("info", log_lines.CONSOLE)
    given = {name: value for name, value in read(flags).items() if value not in (None, ())}
    file = ConfigFile(Path(config), given) if config else None
    settings = settle(given) if file is None else file.settings
    set_up_logging(settings.log_level, settings.log_format)
    reloading = Reload(settings.files) if reload else None
    agent = hire(settings, as_json, reloading)
    beside: list[Beside] = [helper.watch for helper in (file, reloading) if helper is not None]
    if not work_until_told(agent, *beside) and reloading is not None and reloading.is_due:
        start_anew()


def read(flags: dict[str, Any]) -> dict[str, Any]:
    """The flags as the values that a file would hold."""
    scripts = [word.partition("=") for word in flags["scripts"]]
    if any(not equals for _, equals, _ in scripts):
        raise click.UsageError("--script: write KIND=COMMAND, for example --script thumbnail='./thumbnail.sh -q'")
    offers = read_offers("--offer", flags["offers"]) or None
    return {**flags, "scripts": [(kind, line) for kind, _, line in scripts] or None, "offers": offers}


def hire(settings: WorkSettings, as_json: bool, reloading: Reload | None) -> Agent:
    """The agent that these settings describe, introduced."""
    with suppress(Unavailable):  # it waits for a hall
        check_ca(settings.ca, settings.url or None, settings.token or None, settings.data or None)
    try:
        runners = runners_of(settings)
    except CannotLoad as why:
        if reloading is None:
            raise
        complain(f"{why}; waiting for a change")
        reloading.wait()
        start_anew()
    kind = LoudAgent if settings.log_level == "debug" else Agent
    agent = kind(
        runners,
        url=settings.url or None,
        token=settings.token or None,
        data=settings.data or None,
        ca=settings.ca or None,
        queues=settings.queues,
        offers=settings.offers,
        concurrency=settings.concurrency,
        name=settings.name or None,
    )
    if settings.paused:
        agent.pause()
    if settings.draining:
        agent.drain()
    introduce(agent.name, sorted(by_kind(runners)), settings, as_json)
    return agent


def introduce(name: str, kinds: list[str], settings: WorkSettings, as_json: bool) -> None:
    """Say what this worker serves."""
    queues, concurrency = settings.queues, settings.concurrency
    if as_json:
        say_json({"name": name, "kinds": kinds, "queues": queues, "concurrency": concurrency})
        return
    where_from = ("queue " if len(queues) == 1 else "queues ") + ", ".join(queues)
    say(f"will work on {', '.join(kinds)} from {where_from}, {concurrency} at once; stop with Ctrl-C")


def runners_of(settings: WorkSettings) -> list[Runner]:
    """One runner for the functions of all files, and one per script. Raises CannotLoad, and BadRequest when a command
    is not there."""
    functions: tuple[JobFunction, ...] = ()
    for file in settings.files:
        functions = load(file)  # each answer holds everything loaded so far
    runners: list[Runner] = []
    if functions and settings.pool == "process":
        runners.append(ProcessRunner(functions, settings.files))
    elif functions:
        runners.append(PythonRunner(functions))
    url = address(settings)
    runners += [CommandRunner(kind, argv, url=url) for kind, argv in settings.scripts]
    if not runners:
        raise click.UsageError("this worker can run nothing: give a file of @job functions, or --script KIND=COMMAND")
    return runners


def address(settings: WorkSettings) -> str:
    """What scripts are told as HALL_URL; empty while no hall has said where it is."""
    try:
        return str(locate(settings.url or None, settings.token or None, data=settings.data or None))
    except Unavailable:
        return ""


def set_up_logging(level: str, form: str) -> None:
    """Our own remarks and everybody's warnings go to stderr. Lines of job functions go to their jobs from INFO on,
    unless the functions' own files set another level."""
    log_lines.set_up(level, form)
    logging.root.setLevel(logging.INFO)


def flag(setting: Setting) -> click.Option:
    """A row of the settings as a flag. What is not given stays None: the file has its turn."""
    kinds: dict[str, Any] = {
        "concurrency": click.IntRange(1),
        "pool": click.Choice(POOLS),
        "log_format": click.Choice(LOG_FORMATS),
        "log_level": click.Choice(LOG_LEVELS),
    }
    repeated = setting.kind in (list, dict)
    default = ", ".join(setting.default) if repeated else setting.default
    notes = ([f"default: {default}"] if default else []) + (
        [f"env: HIREHALL_{setting.name.upper()}"] if setting.name in ("url", "token", "data", "ca") else []
    )
    again = "; again for more" if repeated else ""
    shown = f"  [{'; '.join(notes)}]" if notes else ""
    return click.Option(
        [setting.flag, setting.name],
        type=kinds.get(setting.name, str),
        multiple=repeated,
        metavar=setting.unit,
        help=f"{setting.help[0].upper()}{setting.help[1:]}{again}{shown}",
    )


files = click.Argument(["files"], nargs=-1, metavar="[TASKS.PY]...")
config = click.Option(["--config"], metavar="FILE", help="A TOML file that sets any of this; watched for changes.")
reload_ = click.Option(["--reload"], is_flag=True, help="Start anew when the code changes. For development.")
flags = [flag(setting) for setting in SETTINGS if setting.flag]
callback: Callable[..., None] = work
params = [files, *flags, config, reload_]
summary = "Run a worker: Python functions, scripts, or both."
command = JSON(click.Command("work", callback=callback, help=work.__doc__, short_help=summary, params=params))
