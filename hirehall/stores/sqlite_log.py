"""What SQLite does not say of its log: that commits stand in it which it will not read.

When a file is opened SQLite takes the log up to the first frame that is not whole; everything behind that is as if it
had never been. At the end of a log that is what a crash leaves. A commit mark further behind means that commits which
were whole once are lost: the disk changed a byte, or wrote the end before the middle when the power went.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path

import apsw

log = logging.getLogger("hirehall")

HEADER_BYTES, FRAME_BYTES = 32, 24  # of the log, and before each page in it
SALTS = slice(16, 24)  # in the header; in a frame they are SALTS_OF_FRAME. All numbers are big-endian
SALTS_OF_FRAME = slice(8, 16)
COMMIT = slice(4, 8)  # in a frame: not 0 in the last one of a commit
LOST_AT = "log_damaged_at_ms"  # in meta
READ_FRAMES = slice(16, 20)  # in the index of the log: how many SQLite reads, in this machine's order


def lost_commits(database: Path, page_bytes: int) -> int:
    """How many commits of the log are not read. Ask after the first read of the file, before anything is written."""
    try:
        opened = os.open(f"{database}-wal", os.O_RDONLY)
    except FileNotFoundError:
        return 0
    try:
        header = os.pread(opened, HEADER_BYTES, 0)
        return sum(_is_commit(frame, header) for frame in _behind(opened, _frames_read(database), page_bytes))
    finally:
        os.close(opened)


def note_lost(db: apsw.Connection, commits: int) -> None:
    """Say it, remember it for `doctor`, and begin the log anew, so that it is said once."""
    log.warning(
        "the log of %s is damaged: %s commits in it are lost, and what was answered for them; see `hirehall doctor`",
        db.filename,
        commits,
    )
    db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (LOST_AT, time.time_ns() // 1_000_000))
    db.wal_checkpoint(None, apsw.SQLITE_CHECKPOINT_TRUNCATE)


def when_lost(db: apsw.Connection) -> int | None:
    """When a hall last found its log damaged, epoch milliseconds."""
    found = db.execute("SELECT value FROM meta WHERE name = ?", (LOST_AT,)).fetchone()
    return None if found is None else int(found[0])


def _frames_read(database: Path) -> int:
    try:
        with Path(f"{database}-shm").open("rb") as index:
            return int.from_bytes(index.read(READ_FRAMES.stop)[READ_FRAMES], sys.byteorder)
    except FileNotFoundError:
        return 0


def _behind(opened: int, frames: int, page_bytes: int) -> list[bytes]:
    """The heads of the frames behind the first `frames`."""
    step = FRAME_BYTES + page_bytes
    return [
        os.pread(opened, FRAME_BYTES, offset)
        for offset in range(HEADER_BYTES + frames * step, os.fstat(opened).st_size - step + 1, step)
    ]


def _is_commit(frame: bytes, header: bytes) -> bool:
    """Whether it ends a commit of this log. What is left of an earlier one has other salts, both of them; where one is
    the same the other is what was damaged."""
    ours, its = header[SALTS], frame[SALTS_OF_FRAME]
    is_ours = ours[:4] == its[:4] or ours[4:] == its[4:]
    return is_ours and any(frame[COMMIT])
