"""`python -m tests.gate.slowed COMMAND MICROSECONDS ARGUMENT...` runs `hirehall ARGUMENT...`; its hall is busy so long
for nothing for each message that is this command, alone or in a row."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

from hirehall.__main__ import main
from hirehall.service.commands import COMMANDS, Command


def slow(name: str, microseconds: int) -> None:
    """Make the handlers of this command slower in this process."""
    kind = next(kind for kind in COMMANDS if kind.__struct_config__.tag == name)  # type: ignore[attr-defined]
    quick = COMMANDS[kind]

    def run(*arguments: Any) -> Any:
        busy(microseconds)
        return quick.run(*arguments)

    COMMANDS[kind] = Command(run, quick.roles, quick.in_a_row and row_of(quick.in_a_row, microseconds))


def row_of(quick: Callable[..., Any], microseconds: int) -> Callable[..., Any]:
    """The same for several in a row. Those that it refuses are run one by one, and are slow there."""

    def run(hall: Any, who: Any, row: list[Any]) -> Any:
        answer = quick(hall, who, row)
        if answer is not None:
            busy(microseconds * len(row))
        return answer

    return run


def busy(microseconds: int) -> None:
    """In CPU time: what another process takes meanwhile does not count."""
    until = time.thread_time_ns() + microseconds * 1000
    while time.thread_time_ns() < until:
        pass


if __name__ == "__main__":
    name, microseconds = sys.argv.pop(1), int(sys.argv.pop(1))
    slow(name, microseconds)
    sys.exit(main())
