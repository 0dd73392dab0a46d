"""`hirehall` and `python -m hirehall` begin here: Ctrl-C ends the process without a word until the command line is
loaded and takes it over."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Load the command line and run it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored, as behind nohup
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from hirehall.cli.main import main as command_line  # noqa: PLC0415 - it takes a while, and nothing is held yet

    command_line()


if __name__ == "__main__":
    main()
