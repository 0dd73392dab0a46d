"""Schema versions of a SQLite file. `sqlite_schema/NNN.sql` leads from version NNN - 1 to NNN; `user_version` says
which have run. A file is brought up to date when a hall opens it; there is no way back but a backup.
"""

from __future__ import annotations

import secrets
from pathlib import Path

import apsw
from msgspec import Struct

from hirehall.errors import Unavailable
from hirehall.stores.sqlite_pages import connect

STEPS = {int(path.stem): path for path in sorted(Path(__file__).with_name("sqlite_schema").glob("*.sql"))}
SCHEMA_VERSION = max(STEPS)
SMALLEST_DATABASE = 512  # bytes: one page of the smallest size
IS_OURS = "SELECT count(*) = 3 FROM sqlite_schema WHERE type = 'table' AND name IN ('meta', 'lanes', 'jobs')"


class Versions(Struct, frozen=True):
    """What `migrate show` tells. `version` is None where there is no file yet."""

    file: str
    version: int | None
    latest: int
    steps: list[int]  # that would run when this hirehall opens it


def steps_from(version: int) -> list[int]:
    """The steps that a file of this version lacks, in their order."""
    return [step for step in sorted(STEPS) if step > version]


def check_schema(db: apsw.Connection, name: str) -> int:
    """The version of `db`; 0 when it is empty. Raises Unavailable for what is not ours, or not yet ours."""
    version = int(db.pragma("user_version"))
    if version == 0 and not list(db.execute("SELECT 1 FROM sqlite_schema LIMIT 1")):
        return 0
    if version == 0 or not next(db.execute(IS_OURS))[0]:
        raise Unavailable(f"{name} is the database of another program: name another one with --store")
    if version > SCHEMA_VERSION:
        raise Unavailable(
            f"{name} has schema {version}, this hall knows {SCHEMA_VERSION}: start a newer hirehall on it"
        )
    return version


def upgrade(db: apsw.Connection) -> bool:
    """Run the steps that are missing, all or none. The answer: whether there were any."""
    version = int(db.pragma("user_version"))
    missing = steps_from(version)
    if not missing:
        return False
    with db:
        for step in missing:
            for _ in db.execute(STEPS[step].read_text()):
                pass  # a script runs on only while its rows are read
        if version == 0:
            db.execute("INSERT INTO meta VALUES ('database', ?), ('last_id', 0)", (secrets.randbelow(1024),))
        db.pragma("user_version", missing[-1])
    return True


def refuse_a_stump(path: Path) -> None:
    """SQLite takes a file of a few bytes for an empty database and would write over it."""
    if path.exists() and 0 < path.stat().st_size < SMALLEST_DATABASE:
        raise Unavailable(f"{path} is no database: move it away, or name another one with --store")


def versions_of(path: Path) -> Versions:
    """The versions of the file at `path`, which is only read, whether a hall has it open or not. Raises Unavailable."""
    if not path.exists():
        return Versions(str(path), None, SCHEMA_VERSION, steps_from(0))
    refuse_a_stump(path)
    try:
        db = connect(_reading_only(path), apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI)
        try:
            version = check_schema(db, str(path))
        finally:
            db.close()
    except apsw.Error as exc:
        raise Unavailable(f"cannot read {path}: {exc}; is it a database of hirehall?") from exc
    return Versions(str(path), version, SCHEMA_VERSION, steps_from(version))


def _reading_only(path: Path) -> str:
    """Without a log nobody has the file open; SQLite would then make one for us, unless told that nothing changes."""
    has_log = Path(f"{path}-wal").exists()
    return f"{path.absolute().as_uri()}?{'mode=ro' if has_log else 'immutable=1'}"
