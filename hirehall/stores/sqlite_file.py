"""A hall's file from outside: who has it, and opening it only to read."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from hirehall.durable import make_directory
from hirehall.errors import StoreBroken, Unavailable
from hirehall.stores.sqlite_pages import connect, is_damage
from hirehall.stores.sqlite_upgrade import check_schema, refuse_a_stump

BUSY_MS = 2_000


def lock(path: Path) -> int:
    """One hall per file: two would hand the same job out twice. The answer is a descriptor; closing it unlocks."""
    try:
        make_directory(path.parent)
        fd = os.open(Path(f"{path}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as exc:
        raise Unavailable(f"cannot write in {path.parent}: {exc.strerror}; name another directory with --data") from exc
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(fd)
        raise Unavailable(f"another hall works on {path}: stop it, or name another directory with --data") from None
    return fd


@contextmanager
def reading(path: Path) -> Iterator[apsw.Connection]:
    """A connection to the file of a hall, running or not, that changes nothing. Raises Unavailable.

    Where there is no log, SQLite makes an empty one to read such a file, and only a connection that may write takes it
    away again. Where there is one, such a connection would carry it over when it is the last to close.
    """
    if not path.exists():
        raise Unavailable(f"there is no {path}: check the name; --data names a hall's directory, --store its file")
    refuse_a_stump(path)
    db: apsw.Connection | None = None
    try:
        has_log = Path(f"{path}-wal").exists()
        db = connect(str(path), apsw.SQLITE_OPEN_READONLY if has_log else apsw.SQLITE_OPEN_READWRITE)
        db.set_busy_timeout(BUSY_MS)
        db.pragma("query_only", True)
        if not check_schema(db, str(path)):
            raise Unavailable(f"{path} is empty: it is no file of a hall")
        yield db
    except apsw.IOError as exc:
        if is_damage(exc):
            raise StoreBroken(
                f"{path} is damaged: restore an older backup, or what `hirehall backup --salvage` can read"
            ) from exc
        raise
    except (apsw.NotADBError, apsw.CantOpenError, apsw.CorruptError, apsw.BusyError) as exc:
        raise Unavailable(f"cannot read {path}: {exc}; is it a file of a hall?") from exc
    finally:
        if db is not None:
            db.close()
