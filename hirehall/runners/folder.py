"""The directory of one attempt: where its files are while it runs. Made when it is needed, and for this user alone.

BASE/ID.ATTEMPT/in/NAME   its inputs
BASE/ID.ATTEMPT/out/      what is left here becomes files of the job
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

IN, OUT = "in", "out"


def made(folder: str, part: str) -> Path:
    """A directory in it. Raises OSError."""
    path = Path(folder, part)
    for each in (path.parents[1], path.parent, path):
        _make(each)
    return path


def _make(path: Path) -> None:
    """What is there already must be ours: the place above is everybody's."""
    try:
        path.mkdir(0o700)
    except FileExistsError:
        found = path.lstat()
        owner = getattr(os, "geteuid", lambda: found.st_uid)()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
            raise


def has_files(folder: str) -> bool:
    """Whether anything was left in `out`; what cannot be looked into is found out by whoever sends it."""
    try:
        with os.scandir(Path(folder, OUT)) as entries:
            return next(entries, None) is not None
    except FileNotFoundError:
        return False
    except OSError:
        return True


def remove(path: str | Path) -> None:
    """Leave nothing of it behind, as far as permissions let us. Nothing around it is touched, also where it is not."""
    base = Path(path)
    if os.path.lexists(base):
        shutil.rmtree(base, onerror=partial(_open_up, base))


def _open_up(base: Path, function: Callable[..., Any], path: str, _info: object) -> None:
    """A directory that a script made unreadable or read-only is still its own run's: open it and try again."""
    failed = Path(path)
    try:
        for folder in (failed.parent, failed):
            if folder.is_relative_to(base) and folder.is_dir() and not folder.is_symlink():
                folder.chmod(0o700)
        if function in (os.unlink, os.rmdir):
            function(path)
        else:  # it could not be looked into
            shutil.rmtree(path, ignore_errors=True)
    except OSError:
        return
