"""`python -m tests.gate.slowed COMMAND MICROSECONDS ARGUMENT...` runs `hirehall ARGUMENT...`; its hall is busy so long
for nothing whenever it gets this command."""

from __future__ import annotations

import sys
import time
from typing import Any

from hirehall.__main__ import main
from hirehall.service.commands import COMMANDS, Command


def slow(name: str, microseconds: int) -> None:
    """Make the handler of this command slower in this process."""
    kind = next(kind for kind in COMMANDS if kind.__struct_config__.tag == name)  # type: ignore[attr-defined]
    quick = COMMANDS[kind]

    def run(*arguments: Any) -> Any:
        until = time.perf_counter_ns() + microseconds * 1000
        while time.perf_counter_ns() < until:
            pass
        return quick.run(*arguments)

    COMMANDS[kind] = Command(run, quick.roles)


if __name__ == "__main__":
    name, microseconds = sys.argv.pop(1), int(sys.argv.pop(1))
    slow(name, microseconds)
    sys.exit(main())
