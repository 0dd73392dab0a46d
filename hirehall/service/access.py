"""Who may do what: tokens, roles, and the file by which programs on this machine find the hall."""

from __future__ import annotations

import hashlib
import heapq
import secrets
from collections.abc import Iterable
from pathlib import Path

import msgspec

from hirehall.core.operations import APPLIED, TokenChange
from hirehall.durable import replace_file, sync_directory
from hirehall.errors import BadRequest, Unauthenticated, Unavailable
from hirehall.model import StoredToken
from hirehall.service.logins import Logins
from hirehall.service.sessions import ANONYMOUS, Identity

ROLES = frozenset({"submit", "work", "read", "admin"})
LOCAL = "local"  # the name of the token in the access file
ACCESS_FILE = "access.json"


class AccessFile(msgspec.Struct, omit_defaults=False):
    """What `DIR/access.json` holds."""

    url: str
    unix: str | None
    token: str
    http: str | None = None
    certificate: str | None = None  # a path: whom the clients of this machine trust, whatever names are in it


def anonymous_identity(roles: Iterable[str]) -> Identity:
    """Who a session is before hello, or without a token."""
    wanted = frozenset(roles)
    strange = wanted - ROLES
    if strange:
        raise BadRequest(f"--anonymous knows no role {min(strange)!r}: use {', '.join(sorted(ROLES))}")
    return Identity(ANONYMOUS, wanted)


class Tokens:
    """The tokens that a hall accepts; only their digests are held. What is stored is here once that is durable."""

    def __init__(self) -> None:
        self._identities: dict[bytes, Identity] = {}
        self._stored: dict[str, StoredToken] = {}
        self._expiring: list[tuple[int, str]] = []  # a heap: epoch milliseconds, name
        self.logins = Logins()

    def add(self, token: str, identity: Identity) -> None:
        """From now on `token` stands for `identity`."""
        self._identities[digest_of(token)] = identity

    def restore(self, stored: Iterable[StoredToken]) -> None:
        """What the store has at start."""
        for token in stored:
            self._accept(token)

    def settled(self, changes: Iterable[TokenChange]) -> list[str]:
        """These changes are durable. The names whose tokens are revoked by them."""
        revoked = []
        for change in changes:
            if change.answer == APPLIED and change.token is not None:
                self._accept(change.token)
            elif change.answer == APPLIED:
                del self._identities[self._stored.pop(change.name).digest]
                revoked.append(change.name)
        return revoked

    def _accept(self, token: StoredToken) -> None:
        self._stored[token.name] = token
        self._identities[token.digest] = Identity(
            token.name, frozenset(token.roles), _frozen(token.queues), _frozen(token.kinds)
        )
        if token.expires_at is not None:
            heapq.heappush(self._expiring, (token.expires_at, token.name))

    def identify(self, token: str, wall_ms: int) -> Identity:
        """Whom `token` stands for; raise Unauthenticated when nobody, or not any more. A look-up by digest: its time
        tells nothing about any token."""
        return self.identify_digest(digest_of(token), wall_ms)

    def identify_digest(self, digest: bytes, wall_ms: int) -> Identity:
        """`identify`, where only the token's digest is at hand."""
        identity = self._identities.get(digest)
        if identity is None:
            raise Unauthenticated(
                "this token is not known here: it was revoked or never made; `hirehall token create` makes another, and"
                " on the hall's machine access.json has one"
            )
        if self._has_expired(identity.name, wall_ms):
            raise Unauthenticated(f"token {identity.name!r} has expired: ask for another")
        return identity

    def digest_named(self, name: str) -> bytes | None:
        """The digest of the token of this name."""
        return next((digest for digest, identity in self._identities.items() if identity.name == name), None)

    def _has_expired(self, name: str, wall_ms: int) -> bool:
        stored = self._stored.get(name)
        return stored is not None and stored.expires_at is not None and stored.expires_at <= wall_ms

    def expired(self, wall_ms: int) -> list[str]:
        """The names whose tokens have expired since the last call; `wall_ms` is epoch milliseconds."""
        names = []
        while self._expiring and self._expiring[0][0] <= wall_ms:
            name = heapq.heappop(self._expiring)[1]
            if self._has_expired(name, wall_ms):
                names.append(name)
        return names

    def stored(self) -> list[StoredToken]:
        """Every token that was created, by name."""
        return [self._stored[name] for name in sorted(self._stored)]


def digest_of(token: str) -> bytes:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).digest()


def new_token() -> str:
    """256 random bits that say what they are for."""
    return f"hall_{secrets.token_urlsafe(32)}"


def _frozen(names: list[str] | None) -> frozenset[str] | None:
    return None if names is None else frozenset(names)


def local_token(directory: Path) -> str:
    """The token of this data directory, made at the first start; the same user's programs read it there."""
    try:
        return msgspec.json.decode((directory / ACCESS_FILE).read_bytes(), type=AccessFile).token
    except FileNotFoundError:
        return new_token()
    except (msgspec.DecodeError, OSError) as exc:
        raise Unavailable(f"cannot read {directory / ACCESS_FILE}: {exc}; remove it to get a new token") from exc


def write_access_file(directory: Path, access: AccessFile) -> None:
    """Replace the access file in one step; only its owner may read it. Raises Unavailable."""
    path = directory / ACCESS_FILE
    text = msgspec.json.encode(access) + b"\n"
    try:
        if path.exists() and path.read_bytes() == text:
            sync_directory(directory)  # who wrote it may have been killed before that
            return  # also where the disk is full
        replace_file(path, text)
    except OSError as exc:
        raise Unavailable(f"cannot write {path}: {exc.strerror}; make room there, or name another --data") from exc
