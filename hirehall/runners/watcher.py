"""Hearing of a child's end without a thread for each child, on Python 3.11.

Python 3.12 does it like this by itself. The watcher of 3.11 that uses pidfds is tied to one event loop, and
would break subprocesses on every other loop of the process; its default starts a thread for each child.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self


def use_pidfds() -> None:
    """Let every event loop of this process wait for its children by itself, where the system can do that."""
    if sys.version_info < (3, 12) and has_pidfds():
        asyncio.get_event_loop_policy().set_child_watcher(PidfdWatcher())


def has_pidfds() -> bool:
    """Whether this system (Linux 5.3 and later) has them, and its sandbox lets us."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


if sys.version_info < (3, 12):

    class PidfdWatcher(asyncio.AbstractChildWatcher):
        """Stateless: each child is watched by the loop that started it."""

        def add_child_handler(  # type: ignore[override]  # as loosely as asyncio calls it
            self, pid: int, callback: Callable[..., object], *args: Any
        ) -> None:
            """Call `callback(pid, code, *args)` on the running loop when the child has ended."""
            loop = asyncio.get_running_loop()
            pidfd = os.pidfd_open(pid)
            loop.add_reader(pidfd, self._ended, loop, pid, pidfd, callback, args)

        def _ended(
            self,
            loop: asyncio.AbstractEventLoop,
            pid: int,
            pidfd: int,
            callback: Callable[..., object],
            args: tuple[Any, ...],
        ) -> None:
            loop.remove_reader(pidfd)
            os.close(pidfd)
            callback(pid, _reap(pid), *args)

        def remove_child_handler(self, pid: int) -> bool:
            """asyncio never asks for this."""
            return False

        def attach_loop(self, loop: asyncio.AbstractEventLoop | None) -> None:
            """There is nothing to attach."""

        def close(self) -> None:
            """There is nothing to close."""

        def is_active(self) -> bool:
            """Always."""
            return True

        def __enter__(self) -> Self:
            return self

        def __exit__(
            self,
            _type: type[BaseException] | None,
            _error: BaseException | None,
            _trace: TracebackType | None,
        ) -> None:
            return None


def _reap(pid: int) -> int:
    try:
        _, status = os.waitpid(pid, 0)
    except ChildProcessError:  # somebody else has waited for it: what it said is lost
        return 255
    return os.waitstatus_to_exitcode(status)
