"""The disk on which the peers keep their data."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

import psutil

IN_MEMORY = {"tmpfs", "ramfs"}
TRIES = 200


def disk(folder: Path) -> str:
    """Its file system, and how long it takes to sync a little. Ends the program where it is none."""
    mounts = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    kind = next((mounts[str(at)] for at in (folder, *folder.parents) if str(at) in mounts), "unknown")
    if kind in IN_MEMORY:
        sys.exit(f"{folder} is {kind}, which makes nothing durable: set TMPDIR to a folder on a disk")
    return f"{kind}, fdatasync {sync_ms(folder):.2f} ms"


def sync_ms(folder: Path) -> float:
    """The median of some syncs."""
    took = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(TRIES):
            os.write(file.fileno(), b"x" * 200)
            at = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - at)
    return sorted(took)[TRIES // 2] * 1000
