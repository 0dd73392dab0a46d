"""What a process takes, and a hall's files: looked at from outside, through /proc."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import apsw

KIB = 1024
MIB = 1024 * 1024
PAGE = os.sysconf("SC_PAGE_SIZE")


class Taken(NamedTuple):
    """`anonymous` is the part of `rss` that no file stands behind, in bytes: what can leak. SQLite's and the
    programs' files come and go in the rest."""

    rss: int
    anonymous: int
    fds: int
    threads: int
    cpu_seconds: float


def taken_by(pid: int) -> Taken:
    """What this process holds now. Raises FileNotFoundError when it is gone."""
    process = Path("/proc", str(pid))
    lines = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines() if ":" in line)
    times = (process / "stat").read_text().rpartition(")")[2].split()
    ticks = int(times[11]) + int(times[12])
    return Taken(
        int(lines["VmRSS"].split()[0]) * KIB,
        int(lines["RssAnon"].split()[0]) * KIB,
        len(os.listdir(process / "fd")),  # noqa: PTH208 - names are enough
        int(lines["Threads"]),
        ticks / os.sysconf("SC_CLK_TCK"),
    )


class Files(NamedTuple):
    """Bytes: the database, its log, and what of the database's pages is in use."""

    database: int
    log: int
    live: int


def files_of(data: Path) -> Files:
    """The files of a hall that runs."""
    database = next(data.glob("*.db"))
    log = database.with_name(f"{database.name}-wal")
    with apsw.Connection(str(database), flags=apsw.SQLITE_OPEN_READONLY) as connection:
        pages, free, size = (connection.pragma(name) for name in ("page_count", "freelist_count", "page_size"))
    connection.close()
    return Files(database.stat().st_size, log.stat().st_size if log.exists() else 0, (pages - free) * size)
