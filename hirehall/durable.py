"""Files and names that are there after a power cut: a name is lost until its directory was synced, whatever became of
the file; and what a file holds is lost, or half of it, until the file was.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path


def sync_directory(directory: Path) -> None:
    """Make the names in `directory` durable; a file that nobody can find is lost however often it was synced."""
    fd = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def make_directory(path: Path) -> None:
    """Make `path`, for this user alone, and what is missing above it; whatever is put into it later can be found again.
    Raises OSError."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    with suppress(PermissionError):  # somebody else has made it; who made it and was killed then could read above it
        sync_directory(path.parent)
    for directory in reversed(missing):
        directory.mkdir(mode=0o700, exist_ok=True)
        sync_directory(directory.parent)


def replace_file(path: Path, content: bytes) -> None:
    """Put `content` in the place of `path`, whole or not at all, for this user alone. Raises OSError."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(fd)
    fresh.replace(path)
    sync_directory(path.parent)
