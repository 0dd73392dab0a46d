"""`hirehall`: a table of commands. A module is imported when its command runs: `submit` must start fast."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NamedTuple, NoReturn

import click
from click.shell_completion import CompletionItem

from hirehall import __version__
from hirehall.cli.exits import Exit, exit_of
from hirehall.cli.output import complain
from hirehall.cli.repeats import Group
from hirehall.errors import HallError


class Row(NamedTuple):
    """Where a command lives, and what it does in one line. The module's `command` is the command."""

    module: str
    summary: str


SECTIONS = {
    "Run a hall and workers": {
        "serve": Row("hirehall.cli.serve", "Run a hall in this terminal."),
        "work": Row("hirehall.cli.work", "Run a worker: Python functions, scripts, or both."),
        "demo": Row("hirehall.cli.demo", "See it work: a hall, two workers, one folder."),
    },
    "Hand in jobs and follow them": {
        "submit": Row("hirehall.cli.submit", "Hand in a job; with --wait, print its result."),
        "wait": Row("hirehall.cli.wait", "Wait until jobs have ended."),
        "jobs": Row("hirehall.cli.jobs", "List jobs, the newest first."),
        "show": Row("hirehall.cli.show", "Show everything the hall knows about a job."),
        "logs": Row("hirehall.cli.logs", "Print what a job's attempts logged; -f follows it live."),
        "fetch": Row("hirehall.cli.fetch", "Fetch the files of a job."),
        "explain": Row("hirehall.cli.explain", "Say why a job is where it is."),
    },
    "Change jobs": {
        "cancel": Row("hirehall.cli.cancel", "End jobs, wherever they are."),
        "retry": Row("hirehall.cli.retry", "Run jobs again that failed, were cancelled or expired."),
        "change": Row("hirehall.cli.change", "Change jobs that have not begun: priority, queue, time ..."),
        "remove": Row("hirehall.cli.remove", "Forget jobs that have ended."),
        "tasks": Row("hirehall.cli.tasks", "List changes of many jobs, which run in the hall, or stop one."),
    },
    "Look after queues and workers": {
        "top": Row("hirehall.cli.top", "Watch rates, queues and workers live."),
        "counts": Row("hirehall.cli.counts", "Count the jobs by queue, kind and state."),
        "events": Row("hirehall.cli.events", "Print what happens, as it happens."),
        "kinds": Row("hirehall.cli.kinds", "List what the workers can run."),
        "queues": Row("hirehall.cli.queues", "List the queues and what is in them."),
        "queue": Row("hirehall.cli.queue", "Show a queue, or set its limits."),
        "pause": Row("hirehall.cli.pause", "Let queues accept jobs and hand out none."),
        "resume": Row("hirehall.cli.resume", "Let queues accept and hand out jobs again."),
        "drain": Row("hirehall.cli.drain", "Let queues hand out what is there and refuse more."),
        "workers": Row("hirehall.cli.workers", "List the workers and what they do."),
        "worker": Row("hirehall.cli.worker", "Tell one worker to pause, resume, drain or stop."),
    },
    "Look after the hall": {
        "dashboard": Row("hirehall.cli.dashboard", "Print a link that logs a browser in."),
        "shutdown": Row("hirehall.cli.shutdown", "End the hall."),
        "token": Row("hirehall.cli.token", "Make, list and revoke tokens: who may do what."),
        "backup": Row("hirehall.cli.backup", "Copy a hall's jobs to a file, while it runs."),
        "restore": Row("hirehall.cli.restore", "Make a hall's jobs those of a backup."),
        "migrate": Row("hirehall.cli.migrate", "Look at the version of a hall's file."),
        "doctor": Row("hirehall.cli.doctor", "Check this machine, the data directory and the hall."),
        "bench": Row("hirehall.cli.bench", "Measure what a hall carries on this machine."),
        "completion": Row("hirehall.cli.completion", "Print the completion script of a shell."),
    },
}
COMMANDS = {name: row for rows in SECTIONS.values() for name, row in rows.items()}
OTHER_WORDS = {"watch": "events", "list": "jobs", "ls": "jobs", "status": "top", "log": "logs", "rm": "remove",
               "delete": "remove", "kill": "cancel", "stop": "shutdown", "start": "serve", "run": "submit",
               "enqueue": "submit", "requeue": "retry", "info": "show", "ps": "jobs", "stats": "counts"}  # fmt: skip


class Commands(Group):
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
            from difflib import get_close_matches  # noqa: PLC0415 - only for who slips

            near = [OTHER_WORDS[args[0]]] if args[0] in OTHER_WORDS else get_close_matches(args[0], COMMANDS, 1)
            hint = f"did you mean {near[0]!r}?" if near else "`hirehall --help` lists them"
            ctx.fail(f"there is no command {args[0]!r}: {hint}")
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """click would call it a failure when `head` has seen enough; a job's failure has that status."""
        try:
            status = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            let_stdout_go()
            return Exit.PIPE
        return status

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """From the table, too: a person waits for it with every Tab."""
        if not incomplete.startswith("-"):
            rows = COMMANDS.items()
            return [CompletionItem(name, help=row.summary) for name, row in rows if name.startswith(incomplete)]
        return click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """From the table: the list of commands costs no import of any."""
        width = max(map(len, COMMANDS))
        for title, rows in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(f"{name:<{width}}", row.summary) for name, row in rows.items()])


def without_colour(_ctx: click.Context, _parameter: click.Parameter, value: bool) -> None:
    """What the environment says is heeded wherever colours are made."""
    if value:
        os.environ["NO_COLOR"] = "1"


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--no-color", is_flag=True, expose_value=False, callback=without_colour, help="As NO_COLOR=1 does.")
@click.version_option(__version__, message="%(prog)s %(version)s")
def hirehall() -> None:
    """A durable job server: hand in jobs from any language, run them with workers in any language."""


def let_stdout_go() -> None:
    """So that the last flush is quiet."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


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
    except OSError as exc:
        let_stdout_go()
        complain(f"cannot write {exc.filename or 'the output'}: {exc.strerror or exc}")
        return Exit.STORE


def main() -> NoReturn:
    """The `hirehall` program."""
    try:
        if signal.getsignal(signal.SIGINT) is signal.SIG_DFL:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        status = run(sys.argv[1:])
    except KeyboardInterrupt:
        status = Exit.INTERRUPTED
    sys.exit(status)
