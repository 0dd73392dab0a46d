"""References to contents inside a SQLite transaction: rows of `files`, and what they add up to."""

from __future__ import annotations

from typing import Any

import apsw

ADD_BLOB = "INSERT INTO blobs VALUES (?, ?, ?, 1) ON CONFLICT (sha256) DO UPDATE SET refs = refs + 1"
ADD_FILE = "INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)"
ADD_KEPT = "INSERT INTO kept VALUES (?, ?) ON CONFLICT (owner) DO UPDATE SET bytes = bytes + excluded.bytes"
ONE_LESS = "UPDATE blobs SET refs = refs - 1 WHERE sha256 = ?"
REMOVE_UNNAMED = "DELETE FROM blobs WHERE sha256 = ? AND refs <= 0"


def let_go(db: apsw.Connection, released: set[bytes], where: str, values: tuple[Any, ...]) -> None:
    """Remove the files of which `where` is true; their contents join `released`."""
    rows: list[tuple[Any, ...]] = db.execute(
        f"DELETE FROM files WHERE {where} RETURNING sha256, owner, bytes", values
    ).fetchall()
    db.executemany(ONE_LESS, [(sha256,) for sha256, _, _ in rows])
    db.executemany(ADD_KEPT, [(owner, -size) for _, owner, size in rows])
    released.update(sha256 for sha256, _, _ in rows)


def remove_unnamed(db: apsw.Connection, released: set[bytes]) -> list[str]:
    """Forget those of these contents that no file names any more; which they are, in hex."""
    gone: list[str] = []
    for sha256 in released:
        db.execute(REMOVE_UNNAMED, (sha256,))
        gone += [sha256.hex()] * db.changes()
    db.execute("DELETE FROM kept WHERE bytes <= 0")
    return gone
