"""`hirehall` that ends when its stdin does: `python -m hirehall.bench.tied serve ...`. Whoever holds the other end may
be killed, and no process of theirs stays."""

from __future__ import annotations

import os
import runpy
import signal
import threading
import time

from hirehall.processes import STOP_SECONDS


def watch() -> None:
    """Wait for the end of stdin; then do what is done with a process that shall end."""
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(STOP_SECONDS)
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    threading.Thread(target=watch, daemon=True).start()
    runpy.run_module("hirehall", run_name="__main__", alter_sys=True)
