"""Page checksums: each page of a new file carries eight bytes that say whether it is what was written.

SQLite's checksum VFS, which apsw brings along, adds them when a page is written and looks at them whenever one is read,
in the file and in its log. A file that was made without them is served as it is. One that has them is only opened where
the VFS is there: a page written without it would look damaged for ever.
"""

from __future__ import annotations

import logging
from functools import cache

import apsw

from hirehall.errors import Unavailable

log = logging.getLogger("hirehall")

RESERVED_BYTES = 8  # of each page; the VFS works with exactly as many
CHECKSUM_VFS = "cksumvfs"
READ_WRITE = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE


def connect(path: str, flags: int = READ_WRITE) -> apsw.Connection:
    """A connection that looks at the checksums of every page that it reads, where the file has them."""
    has_checksums()
    return apsw.Connection(path, flags=flags)


@cache
def has_checksums() -> bool:
    """Whether this installation can do them. Registered once, the VFS stays for the whole process."""
    try:
        from apsw import sqlite_extra  # noqa: PLC0415 - not in every build of apsw
    except ImportError:
        return False
    if sqlite_extra.has(CHECKSUM_VFS) is None:
        return False
    db = apsw.Connection(":memory:")
    try:
        sqlite_extra.load(db, CHECKSUM_VFS)
    except (apsw.Error, OSError) as exc:  # apsw names the file, whether it is missing or cannot be used
        log.warning("new files are made without page checksums: %s", exc)
        return False
    finally:
        db.close()
    return True


def are_checked(db: apsw.Connection) -> bool:
    """Whether this file's pages carry checksums that are looked at."""
    return str(db.pragma("checksum_verification")) == "1"


def prepare(db: apsw.Connection, path: str, *, is_new: bool) -> None:
    """Checksums for a new file; raise Unavailable for one that has them where they cannot be kept true."""
    if is_new:
        if has_checksums():
            db.reserve_bytes(reserve=RESERVED_BYTES)
    elif db.reserve_bytes() == RESERVED_BYTES and not has_checksums():
        raise Unavailable(
            f"the pages of {path} carry checksums, which the apsw that is installed here cannot keep: install one of"
            " its wheels (pip install --only-binary :all: apsw)"
        )


def add_checksums(db: apsw.Connection) -> None:
    """For a whole file at rest: write it anew with them, unless it has them or they cannot be done."""
    if has_checksums() and not are_checked(db):
        db.reserve_bytes(reserve=RESERVED_BYTES)
        db.execute("VACUUM")


def is_damage(error: BaseException) -> bool:
    """Whether SQLite found bytes that it did not write."""
    if isinstance(error, apsw.CorruptError | apsw.NotADBError):
        return True
    return bool(getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_DATA)
