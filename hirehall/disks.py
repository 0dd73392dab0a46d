"""What a directory stands on: its file system, and how long a write takes to be durable there."""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

SYNCS = 20


def file_system_of(place: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str | None:
    """Its type, from the longest mount point above `place`; None where the system does not say."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    best, kind = "", None
    for line in lines:
        fields, _, rest = line.partition(" - ")
        mount = unescaped(fields.split(" ")[4])
        if place.resolve().is_relative_to(mount) and len(mount) >= len(best):
            best, kind = mount, rest.split(" ")[0]
    return kind


def unescaped(mount: str) -> str:
    """The kernel writes the characters that would break its lines in octal."""
    for letter in " \t\n\\":
        mount = mount.replace(f"\\{ord(letter):03o}", letter)
    return mount


def sync_seconds(place: Path) -> float:
    """The median time that 4 KiB take to reach the disk."""
    sync = getattr(os, "fdatasync", os.fsync)
    taken = []
    with tempfile.TemporaryFile(dir=place, buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            start = time.perf_counter()
            sync(file.fileno())
            taken.append(time.perf_counter() - start)
    return statistics.median(taken)
