"""`hirehall`: a table of commands. A module is imported when its command runs: `submit` must start fast."""

from __future__ import annotations

import difflib
import os
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

import click

from hirehall import __version__
from hirehall.cli.exits import Exit, exit_of
from hirehall.cli.output import complain
from hirehall.errors import HallError


class Row(NamedTuple):
    """Where a command lives, and what it does in one line. The module's `command` is the command."""

    module: str
    summary: str


COMMANDS = {
    "serve": Row("hirehall.cli.serve", "Run a hall in this terminal."),
    "work": Row("hirehall.cli.work", "Run a worker: Python functions, scripts, or both."),
    "submit": Row("hirehall.cli.submit", "Hand in a job; with --wait, print its result."),
    "wait": Row("hirehall.cli.wait", "Wait until jobs have ended."),
    "show": Row("hirehall.cli.show", "Show everything the hall knows about a job."),
    "jobs": Row("hirehall.cli.jobs", "List jobs, the newest first."),
    "cancel": Row("hirehall.cli.cancel", "End jobs, wherever they are."),
    "token": Row("hirehall.cli.token", "Make, list and revoke tokens: who may do what."),
    "demo": Row("hirehall.cli.demo", "See it work: a hall, two workers, one folder."),
    "migrate": Row("hirehall.cli.migrate", "Look at the version of a hall's file."),
    "doctor": Row("hirehall.cli.doctor", "Check this machine, the data directory and the hall."),
}


class Commands(click.Group):
    """The table as click wants it."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        command = import_module(row.module).command
        assert isinstance(command, click.Command), f"{row.module} has no command"
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(COMMANDS)}"
            ctx.fail(f"there is no command {args[0]!r}: {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """click would call it a failure when `head` has seen enough; a job's failure has that status."""
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # so that the last flush is quiet
            return Exit.PIPE
        return status

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table: the list of commands costs no import of any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.summary) for name, row in COMMANDS.items()])


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def hirehall() -> None:
    """A durable job server: hand in jobs from any language, run them with workers in any language."""


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the answer is the exit status."""
    try:
        status = hirehall.main(list(arguments), prog_name="hirehall", standalone_mode=False)
        return int(status or Exit.OK)
    except click.ClickException as exc:
        exc.show()
        return exc.exit_code
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except HallError as exc:
        complain(exc.message)
        return exit_of(exc)


def main() -> NoReturn:
    """The `hirehall` program. From here on a Ctrl-C is an exception, which `run` knows."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(run(sys.argv[1:]))
