"""Who may do what: tokens, roles, and the file by which programs on this machine find the hall."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hirehall.errors import BadRequest, Unauthenticated, Unavailable
from hirehall.service.sessions import ANONYMOUS, Identity

ROLES = frozenset({"submit", "work", "read", "admin"})
ACCESS_FILE = "access.json"


class AccessFile(msgspec.Struct, omit_defaults=False):
    """What `DIR/access.json` holds."""

    url: str
    unix: str | None
    token: str


def anonymous_identity(roles: Iterable[str]) -> Identity:
    """Who a session is before hello, or without a token."""
    wanted = frozenset(roles)
    strange = wanted - ROLES
    if strange:
        raise BadRequest(f"--anonymous knows no role {min(strange)!r}: use {', '.join(sorted(ROLES))}")
    return Identity(ANONYMOUS, wanted)


class Tokens:
    """The tokens that a hall accepts; only their digests are held."""

    def __init__(self) -> None:
        self._identities: dict[bytes, Identity] = {}

    def add(self, token: str, identity: Identity) -> None:
        """From now on `token` stands for `identity`."""
        self._identities[_digest(token)] = identity

    def identify(self, token: str) -> Identity:
        """Whom `token` stands for; raise Unauthenticated when nobody."""
        digest = _digest(token)
        for known, identity in self._identities.items():
            if hmac.compare_digest(known, digest):
                return identity
        raise Unauthenticated("this token is not known here: read the one in access.json of the hall's data directory")


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def local_token(directory: Path) -> str:
    """The token of this data directory, made at the first start; the same user's programs read it there."""
    try:
        return msgspec.json.decode((directory / ACCESS_FILE).read_bytes(), type=AccessFile).token
    except FileNotFoundError:
        return f"hall_{secrets.token_urlsafe(32)}"
    except (msgspec.DecodeError, OSError) as exc:
        raise Unavailable(f"cannot read {directory / ACCESS_FILE}: {exc}; remove it to get a new token") from exc


def write_access_file(directory: Path, access: AccessFile) -> None:
    """Replace the access file in one step; only its owner may read it. Raises Unavailable."""
    path, fresh = directory / ACCESS_FILE, directory / f"{ACCESS_FILE}.new"
    try:
        fresh.unlink(missing_ok=True)
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.encode(access) + b"\n")
        fresh.replace(path)
    except OSError as exc:
        raise Unavailable(f"cannot write {path}: {exc.strerror}; make room there, or name another --data") from exc
