"""`hirehall serve`: a hall in this terminal. Its flags are the rows of `config.OPTIONS`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from hirehall import __version__, app, log_lines
from hirehall.cli.exits import Exit
from hirehall.cli.hall import JSON
from hirehall.cli.output import complain, note, say, say_json
from hirehall.config import OPTIONS, Option, settle
from hirehall.errors import BadRequest
from hirehall.refusals import check_config_file


def flag(option: Option) -> click.Option:
    """A row of the options as a flag. What is not given stays None: environment and file have their turn."""
    default = f"default: {option.default}; " if option.default else ""
    return click.Option(
        [option.flag],
        type=option.kind,
        metavar=option.unit.upper(),
        help=f"{option.help[0].upper()}{option.help[1:]}  [{default}env: {option.environment}]",
    )


def serve(config: str | None, as_json: bool, **flags: Any) -> int:
    """Run a hall in this terminal until Ctrl-C or SIGTERM.

    Options are taken from the flags, then from the environment, then from the TOML file, then as they are by
    default. Programs of the same user find the hall by its access file, everyone else needs a token (`hirehall
    token create`). Other machines can connect when --tcp names an address that they reach, which takes TLS.

    \b
    Examples:
      hirehall serve
      hirehall serve --data /srv/hall --config hall.toml
      hirehall serve --tcp 0.0.0.0:11746 --tls-cert hall.pem --tls-key hall.key
      hirehall serve --log-level debug 2>&1 | grep 0ca8d0169f686000
    """
    log_lines.set_up("warning", log_lines.CONSOLE)
    try:
        file = Path(config) if config else None
        if file is not None:
            check_config_file(file)
        settings = settle(flags, file=file)
        log_lines.set_up(settings.log_level, settings.log_format)
        status = app.serve(settings, announcement(as_json))
        if status == Exit.OK:
            note("the hall has ended")
        return status
    except BadRequest as exc:
        complain(exc.message)
        return Exit.CONFIG


def announcement(as_json: bool) -> Callable[[app.Building], None]:
    """What to say when the hall is ready: exactly one line."""

    def ready(building: app.Building) -> None:
        settings = building.settings
        if as_json:
            where = {
                "url": building.url,
                "unix": None if settings.unix is None else str(settings.unix),
                "http": building.http,
                "data": str(settings.data),
            }
            say_json({"ready": True, **where, "pid": os.getpid()})
            return
        is_memory = settings.store.startswith("memory:")
        kept = "in memory: nothing survives" if is_memory else f"data in {homely(settings.data)}"
        say(f"hirehall {__version__} ready on {building.url}{in_a_browser(building)} ({kept}); stop with Ctrl-C")

    return ready


def in_a_browser(building: app.Building) -> str:
    """Where people look: on a terminal by a link that logs them in, which a log file should not have."""
    if building.http is None:
        return ""
    address = building.settings.http_address
    other = f" (port {address[1]} is taken)" if building.http_was_taken and address is not None else ""
    return f" and {building.new_link() if sys.stdout.isatty() else building.http}{other}"


def homely(path: Path) -> str:
    """A path as people write it."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) and path != home else str(path)


config = click.Option(["--config"], metavar="FILE", help="A TOML file that sets the options above.")
command = click.Command("serve", callback=serve, help=serve.__doc__, params=[*map(flag, OPTIONS), config])
command = JSON(command)
