"""What a file says of itself when it is only looked at, whether a hall has it or not."""

from __future__ import annotations

import os
from pathlib import Path

import apsw
from msgspec import Struct

from hirehall.errors import Unavailable
from hirehall.stores.sqlite_file import lock, reading
from hirehall.stores.sqlite_log import lost_commits, when_lost
from hirehall.stores.sqlite_pages import are_checked, is_damage


class Health(Struct, frozen=True):
    """`lost` commits stand in the log unread; at `lost_at_ms` (epoch milliseconds) a hall last found some."""

    are_checked: bool  # pages carry checksums
    lost: int
    lost_at_ms: int | None
    damage: str = ""  # what SQLite says of the file of a stopped hall, whose pages were all read


def health_of(path: Path) -> Health:
    """Raises HallError when it cannot be read."""
    with reading(path) as db:
        lost_at_ms = when_lost(db)
        lost, damage = _at_rest(path, db)
        return Health(are_checked(db), lost, lost_at_ms, damage)


def _at_rest(path: Path, db: apsw.Connection) -> tuple[int, str]:
    """Of a stopped hall: what the next one will not read. A running one has noted that already, and tells of damage
    that it met itself."""
    try:
        held = lock(path)
    except Unavailable:
        return 0, ""
    try:
        return lost_commits(path, int(db.pragma("page_size"))), _damage(db)
    finally:
        os.close(held)


def _damage(db: apsw.Connection) -> str:
    try:
        said = [str(line) for (line,) in db.execute("PRAGMA quick_check(1)")]
    except apsw.Error as exc:
        if is_damage(exc):
            return "a page is not what was written"
        raise
    return "" if said == ["ok"] else said[0]
