"""How a worker tells the client that a job is done where the server has no results: a byte in a named pipe, written
when the server has been told. It costs less than any way through a server, so it flatters those peers."""

from __future__ import annotations

import fcntl
import os
import select
from contextlib import suppress
from functools import cache
from pathlib import Path

from benchmarks.peers.peer import FOLDER, PATIENCE

ROOM = 1 << 20  # bytes that nobody has read yet


class Bell:
    """The client's end."""

    def __init__(self, folder: Path) -> None:
        self._pipe = os.open(_made(folder), os.O_RDWR)
        fcntl.fcntl(self._pipe, fcntl.F_SETPIPE_SZ, ROOM)

    def hear(self, count: int) -> None:
        """Until it has rung `count` times more."""
        while count:
            if not select.select([self._pipe], [], [], PATIENCE)[0]:
                raise TimeoutError(f"{count} jobs are not done")
            count -= len(os.read(self._pipe, count))


def ring() -> None:
    """In the worker: a job is done."""
    os.write(_rope(), b".")


@cache
def _rope() -> int:
    return os.open(_made(FOLDER), os.O_RDWR)


def _made(folder: Path) -> Path:
    path = folder / "bell"
    with suppress(FileExistsError):  # the other end was faster
        os.mkfifo(path)
    return path
