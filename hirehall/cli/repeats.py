"""Options that take one value are given once: the last of several would win without a word."""

from __future__ import annotations

from collections import Counter

import click


class Group(click.Group):
    """A group whose commands refuse such an option a second time."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:
            refuse_repeats(command, command.context_class(command, info_name=name, parent=ctx), rest)
        return name, command, rest


def refuse_repeats(command: click.Command, ctx: click.Context, args: list[str]) -> None:
    """Raises UsageError naming the option; every other slip is left to whoever parses next."""
    if isinstance(command, click.Group):
        return  # its own resolve_command looks
    try:
        _, _, given = command.make_parser(ctx).parse_args(list(args))
    except click.UsageError:
        return
    for option, times in Counter(given).items():
        if times > 1 and takes_one(option):
            raise click.UsageError(f"{option.opts[-1]} is given {times} times: it takes one value", ctx)


def takes_one(option: click.Parameter) -> bool:
    """Whether a second value would take the place of the first."""
    return isinstance(option, click.Option) and not (option.multiple or option.is_flag or option.count)
