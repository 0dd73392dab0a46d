"""How a process ended, in words."""

from __future__ import annotations

import signal


def ending(code: int) -> str:
    """From a return code as `subprocess` has it: negative for a signal."""
    if code < 0:
        return f"killed by {signal_name(-code)}" + (" (out of memory?)" if -code == signal.SIGKILL else "")
    if code > 128:
        return f"exit status {code} (a command in it was killed by {signal_name(code - 128)}?)"
    return f"exit status {code}"


def signal_name(number: int) -> str:
    """SIGTERM for 15."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
