"""The library that makes a disk slow: put where the server's user can read it, and looked for in what is running. The
loader says nothing of a library that it cannot read, and a server without it looks as fast as the disk is."""

from __future__ import annotations

import shutil
from pathlib import Path

import psutil

LIBRARY = Path(__file__).parent / "slow_sync.so"


class NotSlow(Exception):
    """A process syncs as fast as the disk does: which one, and why it is known."""


def within_reach(folder: Path) -> Path:
    """A copy in `folder` that every user can read."""
    folder.chmod(0o711)
    copy = Path(shutil.copy(LIBRARY, folder))
    copy.chmod(0o755)
    return copy


def check(pid: int, library: Path) -> None:
    """Raise NotSlow unless this process has loaded the library, and all that it has started."""
    process = psutil.Process(pid)
    for one in (process, *process.children(recursive=True)):
        try:
            is_slow = str(library) in Path(f"/proc/{one.pid}/maps").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended
        except OSError as why:
            raise NotSlow(f"cannot see whether process {one.pid} has a slow disk: {why}") from why
        if not is_slow and one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
            raise NotSlow(f"its process {one.name()} has not loaded {library.name}: it syncs as fast as the disk does")
