"""A script and everything it started: found even where a grandchild made a session of its own.

A child is found by descent while its parents live, by its process group, and by the environment that it
inherited, which names the job's own directory.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterable
from contextlib import suppress

import psutil

Processes = list[psutil.Process]


class Family:
    """The process `pid`, which leads a group, and all that it started. They have `variable` set to `mark`."""

    def __init__(self, pid: int, variable: str, mark: str) -> None:
        self.pid = pid
        self._variable = variable
        self._mark = mark
        self._known: Processes = []

    def remember(self) -> None:
        """Note its descendants while their parents live: later nobody knows whose they were."""
        self._known += descendants(self.pid)

    async def kill(self) -> None:
        """SIGKILL to all of them, wherever they went."""
        self.remember()
        signal_group(self.pid, signal.SIGKILL)
        strays = await asyncio.to_thread(marked, self._variable, self._mark)
        kill([*self._known, *strays])


def descendants(pid: int) -> Processes:
    """Everything that `pid` started and whose parents still live."""
    try:
        return list(psutil.Process(pid).children(recursive=True))
    except psutil.Error:
        return []


def marked(variable: str, value: str) -> Processes:
    """Every process that has `variable` set to `value` in its environment. Looks at all processes: not for a
    loop."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.environ().get(variable) == value:
                found.append(process)
    return found


def signal_group(pid: int, number: signal.Signals) -> None:
    """Send a signal to the process group that `pid` leads; nothing when it is gone."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def kill(processes: Iterable[psutil.Process]) -> None:
    """SIGKILL each one that is still the same process."""
    for process in processes:
        with suppress(psutil.Error):
            process.kill()
