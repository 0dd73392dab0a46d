"""Backup and restore of a SQLite store, in a process of their own beside the hall's.

A backup is made of the pages as one read transaction sees them. A hall that writes goes on meanwhile; only its log
cannot begin anew until the copy is made, so nothing else is done in that time: checking comes after it.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import apsw
from msgspec import Struct

from hirehall.durable import sync_directory
from hirehall.errors import BadRequest, HallError, StorageFull, StoreBroken, Unavailable
from hirehall.model import first_id
from hirehall.stores.sqlite_file import lock, reading
from hirehall.stores.sqlite_pages import add_checksums, connect

PIECE_PAGES = 1_024  # 4 MiB between two looks at the clock and at Ctrl-C
DATABASES = 1_024  # an id has 10 bits for the number of its database
LAST_ID = "SELECT max(value, (SELECT coalesce(max(id), 0) FROM jobs)) FROM meta WHERE name = 'last_id'"
COMPANIONS = ("-wal", "-shm")

Progress = Callable[[int, int], None]  # pages copied, pages in all


class BackedUp(Struct, frozen=True):
    """A backup that is complete, checked and on the disk. `contents` of files, which are not in it, is what its jobs
    name."""

    file: str
    bytes: int
    version: int
    jobs: int
    contents: int
    contents_bytes: int


class Restored(Struct, frozen=True):
    """A data directory that a hall can start on. `kept` is what was there before."""

    file: str
    version: int
    jobs: int
    running: int  # they will run again
    kept: str | None
    contents: list[str]  # of files that its jobs name, by sha256


class Contents(Struct, frozen=True):
    """What is in a store, in numbers."""

    version: int
    jobs: int
    running: int
    last_id: int
    blobs: dict[str, int]  # bytes by sha256


# Backup.


def backup(database: Path, file: Path, progress: Progress, *, force: bool = False) -> BackedUp:
    """Copy the hall's `database` as it is at this moment to `file`. Raises HallError; then nothing has changed."""
    _refuse_target(database, file, force)
    with _fresh(file) as fresh:
        with reading(database) as source:
            _copy(source, fresh, progress)
        contents = _checked(fresh)
        size = _put(fresh, file)
    blobs = contents.blobs
    return BackedUp(str(file), size, contents.version, contents.jobs, len(blobs), sum(blobs.values()))


@contextmanager
def put_whole(database: Path, file: Path, *, force: bool) -> Iterator[Path]:
    """A new file to write in, which gets the name `file` when it is checked and on the disk. Raises HallError."""
    _refuse_target(database, file, force)
    with _fresh(file) as fresh:
        yield fresh
        _checked(fresh)
        _put(fresh, file)


def _refuse_target(database: Path, file: Path, force: bool) -> None:
    if file.is_dir():
        raise BadRequest(f"{file} is a directory: name a file in it")
    if file in {database, *(Path(f"{database}{end}") for end in (*COMPANIONS, ".lock", ".ballast"))}:
        raise BadRequest(f"{file} is the hall's own: name another file")
    if file.exists():
        if database.exists() and file.samefile(database):
            raise BadRequest(f"{file} is the hall's own: name another file")
        if not force:
            raise BadRequest(f"{file} exists already: name another file, or replace it with --force")


@contextmanager
def _fresh(file: Path) -> Iterator[Path]:
    """An empty file beside `file`, for this user alone, removed unless it was moved. Raises HallError."""
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{file.name}.", suffix=".part", dir=file.parent)
    except OSError as exc:
        raise Unavailable(f"cannot write in {file.parent}: {exc.strerror}; name a file somewhere else") from exc
    os.close(descriptor)
    try:
        yield Path(name)
    except apsw.FullError as exc:
        raise StorageFull(f"no space left for {file}: free some, or name a file on another disk") from exc
    except (apsw.Error, OSError) as exc:
        raise StoreBroken(f"cannot write {file}: {exc}") from exc
    finally:
        Path(name).unlink(missing_ok=True)


def _copy(source: apsw.Connection, path: Path, progress: Progress) -> None:
    """All pages, as one read transaction sees them, so that the pieces fit together whoever writes meanwhile."""
    target = connect(str(path))
    try:
        target.pragma("synchronous", "off")  # it is synced once, when it is whole
        source.execute("BEGIN")
        source.execute("SELECT 1 FROM meta").fetchall()
        with target.backup("main", source, "main") as copy:
            while not copy.done:
                copy.step(PIECE_PAGES)
                progress(copy.page_count - copy.remaining, copy.page_count)
        source.execute("ROLLBACK")
        target.pragma("journal_mode", "delete")  # one file, that can be read from anywhere
    finally:
        target.close()


def _checked(path: Path) -> Contents:
    """What the copy holds, once every page and index of it has been looked at. Raises StoreBroken."""
    with reading(path) as db:
        said = [str(line) for (line,) in db.execute("PRAGMA integrity_check(1)")]
        if said != ["ok"]:
            raise StoreBroken(
                f"the copy is damaged, and so is what it was made from: {said[0]}; `hirehall backup --salvage` copies"
                " what can be read"
            )
        return _contents(db)


def _contents(db: apsw.Connection) -> Contents:
    jobs, running = db.execute("SELECT coalesce(sum(jobs), 0), coalesce(sum(jobs * (state = 3)), 0) FROM counts").get
    last_id = db.execute(LAST_ID).get
    has_files = db.execute("SELECT 1 FROM sqlite_schema WHERE name = 'blobs'").get  # not before schema 3
    rows: list[Any] = db.execute("SELECT lower(hex(sha256)), bytes FROM blobs").fetchall() if has_files else []
    return Contents(db.pragma("user_version"), jobs, running, last_id, dict(rows))


def _put(fresh: Path, file: Path) -> int:
    """Give the finished copy its name, durably; its size in bytes."""
    descriptor = os.open(fresh, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        size = os.fstat(descriptor).st_size
    finally:
        os.close(descriptor)
    fresh.replace(file)
    sync_directory(file.parent)
    return size


# Restore.


def restore(file: Path, database: Path, progress: Progress, now_ms: int, *, force: bool = False) -> Restored:
    """Make `database` what `file` holds, for the next hall that starts on it. Raises HallError; then all is as before.

    Ids go on behind every id that could have been given out since: behind the last one of the backup and of what was
    there, and behind `now_ms`, epoch milliseconds.
    """
    if database.exists() and file.exists() and file.samefile(database):
        raise BadRequest(f"{file} is the hall's own file: name a backup")
    with reading(file) as source:
        descriptor = lock(database)
        try:
            before = _before(database, force)
            with _fresh(database) as fresh:
                _copy(source, fresh, progress)
                contents = _checked(fresh)
                _begin_anew(fresh, max(contents.last_id, before.last_id if before else 0, first_id(now_ms, 0)))
                if before is not None:
                    _empty_log(database)
                kept = _keep(database, now_ms)
                sync_directory(database.parent)  # or a power cut could leave the old log beside the new file
                _put(fresh, database)
        finally:
            os.close(descriptor)
    return Restored(str(database), contents.version, contents.jobs, contents.running, kept, list(contents.blobs))


def _before(database: Path, force: bool) -> Contents | None:
    """What is there now, if it can be read. Raises BadRequest when that would be missed and `force` was not given."""
    if not database.exists():
        return None
    remedy = "give --force to keep it under another name, or name another directory with --data"
    try:
        with reading(database) as db:
            contents = _contents(db)
    except (HallError, apsw.Error) as exc:
        if not force:
            raise BadRequest(f"{database} is there and cannot be read ({exc}): {remedy}") from exc
        return None
    if contents.jobs and not force:
        raise BadRequest(f"{database} holds {contents.jobs} jobs: {remedy}")
    return contents


def _begin_anew(path: Path, last_id: int) -> None:
    """The copy is another database than the one it was made from: that one may have gone on giving out ids."""
    db = connect(str(path))
    try:
        add_checksums(db)
        with db:
            db.execute("UPDATE meta SET value = ? WHERE name = 'last_id'", (last_id,))
            db.execute(
                f"UPDATE meta SET value = (value + ?) % {DATABASES} WHERE name = 'database'",
                (1 + secrets.randbelow(DATABASES - 1),),
            )
    finally:
        db.close()


def _empty_log(database: Path) -> None:
    """Carry the log over, so that the file alone is all that was there; the last to close takes the log away."""
    db = connect(str(database), apsw.SQLITE_OPEN_READWRITE)
    try:
        db.execute("SELECT 1 FROM meta").fetchall()  # before the first read it knows of no log
        db.wal_checkpoint(None, apsw.SQLITE_CHECKPOINT_TRUNCATE)
    finally:
        db.close()


def _keep(database: Path, now_ms: int) -> str | None:
    """Give what is there a second name. No log may stay, or SQLite would read it into the new file."""
    moment = datetime.fromtimestamp(now_ms / 1000, UTC).strftime("%Y%m%dT%H%M%S.%f")[:-3]
    kept = f"{database}.before-restore-{moment}Z"
    for end in COMPANIONS:
        with suppress(FileNotFoundError):  # there is one only where the file could not be read
            Path(f"{database}{end}").rename(f"{kept}{end}")
    if not database.exists():
        return None
    os.link(database, kept)
    return kept
