"""What a measurement stands on: the machine, the file system of the data, SQLite and how it is synced."""

from __future__ import annotations

import os
import platform
import tempfile
from pathlib import Path

import apsw  # only asked for its version
from msgspec import Struct

from hirehall.disks import file_system_of, sync_seconds
from hirehall.errors import BadRequest

IN_MEMORY = frozenset({"tmpfs", "ramfs"})
JOURNAL_MODE, SYNCHRONOUS = "wal", "normal"  # of the hall's store
LASTING = Path("/var/tmp")  # noqa: S108 - what is made below it is made by tempfile; it lasts, where /tmp may be memory


class Ground(Struct, kw_only=True):
    """All of it. What belongs to a hall elsewhere is not known here: None."""

    machine: str
    python: str
    sqlite: str | None = None
    journal_mode: str | None = None
    synchronous: str | None = None  # of SQLite itself; the log is synced by the store, before every answer
    path: str | None = None
    file_system: str | None = None
    sync_ms: float | None = None  # until a write is durable there
    durability: str = ""  # in the words of the hall's hello


def ground_of(directory: Path | None) -> Ground:
    """This machine, and `directory` on it where the data will be."""
    ground = Ground(machine=machine(), python=platform.python_version())
    if directory is not None:
        ground.sqlite = apsw.sqlite_lib_version()
        ground.journal_mode, ground.synchronous = JOURNAL_MODE, SYNCHRONOUS
        ground.path = str(directory)
        ground.file_system = file_system_of(directory) or "cannot be told here"
        ground.sync_ms = sync_seconds(directory) * 1000
    return ground


def machine() -> str:
    """Processor, cores and system, in a line."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{processor()}, {cores} cores, {platform.system()} {platform.release()}"


def processor() -> str:
    """Its name, as the kernel says it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(errors="replace").splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())


def place_for_data(directory: Path | None, allow_tmpfs: bool) -> Path:
    """The directory named, or where temporary files are that last. Raises BadRequest when it is in memory: what is
    measured there says nothing about durable jobs."""
    place = (directory or default_directory()).absolute()
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise BadRequest(f"cannot make files in {place}: name another directory with --directory")
    kind = file_system_of(place)
    if kind in IN_MEMORY and not allow_tmpfs:
        raise BadRequest(
            f"{place} is in memory ({kind}), where nothing is durable: name a directory on a disk with --directory,"
            " or say --allow-tmpfs"
        )
    return place


def default_directory() -> Path:
    """TMPDIR if it is set, else where temporary files last."""
    if os.environ.get("TMPDIR") or not os.access(LASTING, os.W_OK | os.X_OK):
        return Path(tempfile.gettempdir())
    return LASTING
