"""Tokens in SQLite."""

from __future__ import annotations

import apsw
import msgspec

from hirehall.core.operations import APPLIED, DUPLICATE, NOT_FOUND, TokenChange
from hirehall.model import StoredToken

INSERT = "INSERT INTO tokens VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (name) DO NOTHING"
DELETE = "DELETE FROM tokens WHERE name = ?"
SELECT = "SELECT name, digest, roles, queues, kinds, created_at, expires_at FROM tokens ORDER BY name"


def apply_tokens(db: apsw.Connection, changes: list[TokenChange]) -> None:
    """Carry out these changes in their order, in the transaction under way, and answer them."""
    for change in changes:
        before = db.total_changes()
        if change.token is None:
            db.execute(DELETE, (change.name,))
        else:
            db.execute(INSERT, _row(change.token))
        refused = NOT_FOUND if change.token is None else DUPLICATE
        change.answer = APPLIED if db.total_changes() > before else refused


def _row(token: StoredToken) -> tuple[str, bytes, str, str | None, str | None, int, int | None]:
    lists = (_json(token.roles) or "[]", _json(token.queues), _json(token.kinds))
    return (token.name, token.digest, *lists, token.created_at, token.expires_at)


def _json(names: list[str] | None) -> str | None:
    return None if names is None else msgspec.json.encode(names).decode()


def read_tokens(db: apsw.Connection) -> list[StoredToken]:
    """Every token, by name."""
    return [
        StoredToken(name, digest, _names(roles) or [], _names(queues), _names(kinds), created_at, expires_at)
        for name, digest, roles, queues, kinds, created_at, expires_at in db.execute(SELECT)
    ]


def _names(stored: str | None) -> list[str] | None:
    return None if stored is None else msgspec.json.decode(stored, type=list[str])
