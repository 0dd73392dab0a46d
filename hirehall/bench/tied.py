"""A program of ours that ends when its stdin does: `python -m hirehall.bench.tied FOLDER hirehall serve ...`. Whoever
holds the other end may be killed, and neither a process of theirs stays nor FOLDER, which they had made: each that was
tied to them removes it when it has ended, so that the last one leaves nothing."""

from __future__ import annotations

import os
import runpy
import shutil
import signal
import sys
import threading
import time
from pathlib import Path

from hirehall.processes import STOP_SECONDS

PREFIX = "hirehall-bench-"  # of the folders that a bench makes


class Tie:
    """To whoever holds the other end of stdin. `folder` is theirs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._is_cut = False

    def watch(self) -> None:
        """Wait for the end of stdin; then do what is done with a process that shall end."""
        while os.read(0, 4096):
            pass
        self._is_cut = True
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        self.tidy()
        os.kill(os.getpid(), signal.SIGKILL)

    def tidy(self) -> None:
        """Remove what nobody else will. Others may write there still: then it is for them."""
        if self._is_cut:
            remove(self._folder)


def remove(folder: Path) -> None:
    """As much as can be of a folder that a bench made; of no other anything."""
    if folder.name.startswith(PREFIX):
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    _, folder, module, *arguments = sys.argv
    tie = Tie(Path(folder))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))  # until the program has its own
    sys.argv[1:] = arguments
    threading.Thread(target=tie.watch, daemon=True).start()
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    finally:
        tie.tidy()
