"""`hirehall completion`: the script that lets a shell complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from hirehall.cli.output import say, say_json

VARIABLE = "_HIREHALL_COMPLETE"
SHELLS = ("bash", "zsh", "fish")


@click.command(short_help="Print the completion script of a shell.")
@click.argument("shell", type=click.Choice(SHELLS), metavar="|".join(SHELLS))
@click.option("--json", "as_json", is_flag=True, help="Answer in JSON, for scripts.")
@click.pass_context
def command(ctx: click.Context, shell: str, as_json: bool) -> None:
    """Print the script that lets your shell complete commands and options.

    \b
    Examples:
      eval "$(hirehall completion bash)"        in ~/.bashrc
      eval "$(hirehall completion zsh)"         in ~/.zshrc
      hirehall completion fish > ~/.config/fish/completions/hirehall.fish
    """
    maker = get_completion_class(shell)
    assert maker is not None, "click knows these shells"
    script = maker(ctx.find_root().command, {}, "hirehall", VARIABLE).source()
    say_json({"shell": shell, "script": script}) if as_json else say(script)
