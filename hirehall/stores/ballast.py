"""Room kept for a full disk: a file of real blocks beside the database, given up when a commit finds no space.

Without it nothing could be changed any more on a full disk, not even removed: SQLite writes to its log first.
"""

from __future__ import annotations

import errno
import os
import time
from contextlib import suppress
from pathlib import Path

import apsw

MIB = 1 << 20
SPARE_BYTES = MIB  # left for small files beside it
BLOCK_BYTES = 512  # what a stat counts in
LOOK_SECONDS = 1.0  # between two looks at the disk
CANNOT_RESERVE = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)  # a file system without such blocks
MOST_OF_DISK = 4  # the ballast takes a quarter of a small disk at most


class Ballast:
    """`size` bytes beside the database at `path`; 0: there is none, and the disk is never looked at."""

    def __init__(self, path: Path, size: int) -> None:
        self.database = path
        self.path = Path(f"{path}.ballast")
        self._wanted = size
        self._look_at = 0.0  # monotonic seconds
        self._stored = 0  # bytes since the last look
        self._fresh = Path(f"{self.path}.new")  # while it is made

    @property
    def size(self) -> int:
        """In bytes; on a small disk less than was asked for."""
        if not self._wanted:
            return 0
        found = os.statvfs(self.path.parent)
        return min(self._wanted, found.f_blocks * found.f_frsize // MOST_OF_DISK)

    @property
    def is_there(self) -> bool:
        """Whether it is there whole."""
        return self._wanted > 0 and self.path.exists()

    @property
    def needed_bytes(self) -> int:
        """With as much free as this a full disk is so no more: a little above the mark, so that it does not flicker."""
        size = self.size
        return size + size // 4 + (0 if self.is_there else size)

    def is_low(self, db: apsw.Connection, stored: int = 0) -> bool:
        """Whether little is left. It looks once a second, or when an eighth of what counts as little may have been
        `stored` (bytes since the last call), and says no in between."""
        self._stored += stored
        now = time.monotonic()
        if not self._wanted or (now < self._look_at and self._stored < self._wanted // 8):
            return False
        self._look_at, self._stored = now + LOOK_SECONDS, 0
        return self._free(db) < self.size

    def has_room(self, db: apsw.Connection) -> bool:
        """Whether there is space again, for the ballast too."""
        return self._free(db) >= self.needed_bytes

    def give_up(self) -> bool:
        """Free its blocks, also those of one that is being made, which ends that. False when there were none."""
        was_there = False
        for path in (self.path, self._fresh) if self._wanted else ():
            with suppress(FileNotFoundError):
                os.truncate(path, 0)  # at once, also where it is open to be made
                path.unlink()
                was_there = True
        return was_there

    @property
    def fits_with_log(self) -> bool:
        """Whether there were blocks enough for it if the log gave up its own."""
        log = Path(f"{self.database}-wal")
        taken = log.stat().st_blocks * BLOCK_BYTES if log.exists() else 0
        return _free_on(self.path.parent) + taken >= self.size + SPARE_BYTES

    def leave_some(self) -> None:
        """A start writes small files too: give it up where there is next to nothing left."""
        if _free_on(self.path.parent) < SPARE_BYTES:
            self.give_up()

    def prepare(self) -> bool:
        """Take what an earlier hall left, or make it where there is room. Whether it is as it should be. Blocks."""
        self._fresh.unlink(missing_ok=True)  # of a hall that was killed while it made it
        size = self.size
        if self.is_there and self.path.stat().st_size == size:
            return True
        self.path.unlink(missing_ok=True)
        return not size or self._made(size)

    def _made(self, size: int) -> bool:
        """Reserve its blocks. False, and no file, when there are not enough."""
        if _free_on(self.path.parent) < size + SPARE_BYTES:
            return False
        try:
            _fill(self._fresh, size)
            self._fresh.replace(self.path)
        except OSError:  # given up meanwhile, or no space
            self._fresh.unlink(missing_ok=True)
            return False
        return True

    def _free(self, db: apsw.Connection) -> int:
        """Bytes free on the disk and inside the database."""
        inside = int(db.pragma("freelist_count")) * int(db.pragma("page_size"))
        return _free_on(self.path.parent) + inside


def _free_on(directory: Path) -> int:
    """Bytes that whoever the hall is may take."""
    found = os.statvfs(directory)
    return found.f_bavail * found.f_frsize


def _write(descriptor: int, size: int) -> None:
    noise = os.urandom(MIB)
    written = 0
    while written < size:
        if not os.fstat(descriptor).st_nlink:
            raise FileNotFoundError("it was given up while it was made")
        written += os.write(descriptor, noise[: size - written])


def _fill(path: Path, size: int) -> None:
    """Blocks that are really there: a file system that cannot reserve them gets bytes that it cannot compress."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        try:
            os.posix_fallocate(descriptor, 0, size)
        except (AttributeError, OSError) as exc:
            if isinstance(exc, OSError) and exc.errno not in CANNOT_RESERVE:
                raise
            _write(descriptor, size)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
