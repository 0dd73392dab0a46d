"""The doctor's checks: each looks at one thing and answers with a finding."""

from __future__ import annotations

import os
import platform
import shutil
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import apsw  # only asked for its version: nobody else knows which SQLite it brought along
from msgspec import Struct

from hirehall.cli.hall import connect
from hirehall.client.address import ACCESS_FILE
from hirehall.disks import SYNCS, file_system_of, sync_seconds
from hirehall.errors import HallError
from hirehall.stores.sqlite import OLDEST_SQLITE
from hirehall.stores.sqlite_health import health_of

Level = Literal["ok", "warn", "problem"]
OK: Level = "ok"
WARN: Level = "warn"
PROBLEM: Level = "problem"

OLDEST_PYTHON = (3, 11)
SLOW_SYNC_SECONDS = 0.010
PINGS = 20
DATABASE = "hall.db"
REMEMBERED_SECONDS = 7 * 86_400.0  # a damaged log is spoken of for so long
LITTLE_SPACE_BYTES = 256 << 20
NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "fuse.sshfs", "fuse.s3fs"}
)
FLEETING = frozenset({"tmpfs", "ramfs", "overlay"})


class Finding(Struct, frozen=True):
    """What one check found. `remedy` is what to do about it, if anything."""

    level: Level
    what: str
    found: str
    remedy: str = ""


def examine(directory: Path, url: str | None, token: str | None, data: str | None) -> list[Finding]:
    """All checks, in the order in which their subjects depend on each other."""
    place = nearest(directory)
    checks: tuple[Callable[[], Finding], ...] = (
        python,
        sqlite,
        lambda: data_directory(directory, place),
        lambda: file_system(place),
        lambda: free_space(place),
        lambda: disk(place),
        lambda: store(directory / DATABASE),
        lambda: access_file(directory),
        lambda: hall(directory, url, token, data),
    )
    return [check() for check in checks]


def nearest(directory: Path) -> Path:
    """The directory itself, or the parent in which it would be made."""
    return next(path for path in (directory, *directory.parents) if path.is_dir())


def python() -> Finding:
    """Is it new enough?"""
    found = f"{platform.python_version()} ({sys.executable})"
    if sys.version_info[:2] < OLDEST_PYTHON:
        return Finding(PROBLEM, "python", found, "install Python 3.11 or newer")
    return Finding(OK, "python", found)


def sqlite() -> Finding:
    """Does it have the bug that can corrupt a log?"""
    if apsw.SQLITE_VERSION_NUMBER < OLDEST_SQLITE:
        return Finding(
            PROBLEM,
            "sqlite",
            apsw.sqlite_lib_version(),
            "install apsw 3.51.3 or newer: this SQLite can corrupt its log",
        )
    return Finding(OK, "sqlite", apsw.sqlite_lib_version())


def data_directory(directory: Path, place: Path) -> Finding:
    """Is it there, ours, and nobody else's?"""
    what = "data"
    if not os.access(place, os.W_OK | os.X_OK):
        return Finding(PROBLEM, what, f"cannot write in {place}", "run as its owner, or name another with --data")
    if place != directory:
        return Finding(OK, what, f"{directory} is not there yet; `hirehall serve` makes it")
    mode = directory.stat().st_mode & 0o777
    if mode & 0o077:
        return Finding(WARN, what, f"{directory} is open to others (mode {mode:o})", f"chmod 700 {directory}")
    return Finding(OK, what, f"{directory} (mode {mode:o})")


def file_system(place: Path) -> Finding:
    """SQLite's log needs a local one; jobs should survive a restart of the machine."""
    kind = file_system_of(place)
    if kind is None:
        return Finding(OK, "file system", "cannot be told here; it must be a local one")
    if kind in NETWORK:
        return Finding(PROBLEM, "file system", f"{kind} is a network file system", "name a local directory with --data")
    if kind in FLEETING:
        return Finding(
            WARN,
            "file system",
            f"{kind} may be gone after a restart",
            "name a directory on a disk with --data",
        )
    return Finding(OK, "file system", kind)


def free_space(place: Path) -> Finding:
    """Room for jobs."""
    free = shutil.disk_usage(place).free
    found = f"{free / (1 << 30):.1f} GiB free"
    if free < LITTLE_SPACE_BYTES:
        return Finding(WARN, "space", found, f"free some space on the disk of {place}")
    return Finding(OK, "space", found)


def disk(place: Path) -> Finding:
    """Every commit waits for the disk once."""
    try:
        seconds = sync_seconds(place)
    except OSError as exc:
        return Finding(
            PROBLEM, "disk", f"cannot write in {place}: {exc.strerror}", "name another directory with --data"
        )
    found = f"a write is durable after {seconds * 1000:.2f} ms (median of {SYNCS})"
    if seconds > SLOW_SYNC_SECONDS:
        return Finding(
            WARN,
            "disk",
            found,
            "every commit waits for this: many jobs per commit still go fast, single ones do not",
        )
    return Finding(OK, "disk", found)


WAY_OUT = "restore the last backup, or what `hirehall backup --salvage` can read: hirehall restore"


def store(path: Path) -> Finding:
    """Is it readable, is its log whole, and would damage be noticed?"""
    what = "store"
    if not path.exists():
        return Finding(OK, what, f"there is no {path} yet")
    try:
        health = health_of(path)
    except HallError as exc:
        return Finding(PROBLEM, what, exc.message, WAY_OUT)
    lost_at = (health.lost_at_ms or 0) / 1000
    if health.lost or lost_at > time.time() - REMEMBERED_SECONDS:
        when = "" if health.lost else time.strftime(", found on %F at %T", time.localtime(lost_at))
        found = f"the log of {path} is damaged{when}: commits in it are lost"
        return Finding(PROBLEM, what, found, "look at the disk, and submit again what should be there")
    if health.damage:
        return Finding(PROBLEM, what, f"{path} is damaged: {health.damage}", WAY_OUT)
    if not health.are_checked:
        return Finding(WARN, what, "its pages carry no checksums", "a `backup` that is restored has them")
    return Finding(OK, what, f"{path}; its pages carry checksums")


def access_file(directory: Path) -> Finding:
    """It holds the token."""
    path = directory / ACCESS_FILE
    try:
        mode = path.stat().st_mode & 0o777
    except FileNotFoundError:
        return Finding(WARN, "access file", f"there is no {path}", "start a hall: hirehall serve")
    except OSError as exc:
        return Finding(PROBLEM, "access file", f"cannot read {path}: {exc.strerror}", "run as the hall's user")
    if mode & 0o077:
        return Finding(
            PROBLEM,
            "access file",
            f"others can read the token in {path} (mode {mode:o})",
            f"chmod 600 {path}",
        )
    return Finding(OK, "access file", f"{path} (mode {mode:o})")


def hall(directory: Path, url: str | None, token: str | None, data: str | None) -> Finding:
    """Does it answer, and how fast?"""
    is_expected = bool(url or os.environ.get("HIREHALL_URL")) or (directory / ACCESS_FILE).exists()
    try:
        with connect(url, token, data) as line:
            taken = []
            for _ in range(PINGS):
                start = time.perf_counter()
                line.request({"cmd": "ping"})
                taken.append(time.perf_counter() - start)
            welcome = line.welcome
            metrics = line.request({"cmd": "metrics"})["metrics"]
    except HallError as exc:
        return Finding(PROBLEM if is_expected else WARN, "hall", exc.message, "start it: hirehall serve")
    latency = f"{statistics.median(taken) * 1000:.2f} ms"
    found = f"{welcome.server} {welcome.hall} answers in {latency} (durability {welcome.durability})"
    if metrics.get("storage_damaged"):
        return Finding(PROBLEM, "hall", f"{found}; its store is damaged: some jobs cannot be read or changed", WAY_OUT)
    if metrics.get("storage_full"):
        return Finding(PROBLEM, "hall", f"{found}; its disk is full: it takes no new jobs", "free some space there")
    if welcome.durability != "fsync":
        return Finding(WARN, "hall", found, "its jobs are gone when it stops: serve without --store memory:")
    return Finding(OK, "hall", found)
