"""Browsers that are logged in: a link that works once gives a cookie, which stands for a token. Only digests are held,
in memory: a hall that starts anew knows no login."""

from __future__ import annotations

import hashlib
import secrets

from msgspec import Struct

LINK_SECONDS = 600.0
LOGIN_SECONDS = 12 * 3600.0
MAX_LINKS = 100
MAX_LOGINS = 1_000  # the oldest ends first


class Ticket(Struct, frozen=True):
    """What a link or a cookie stands for, until `ends_at` (monotonic seconds)."""

    token: bytes  # its digest
    ends_at: float


class Logins:
    """Links and logins of this run of the hall. `url` is where its pages are, once a door says so."""

    def __init__(self) -> None:
        self.url = ""
        self._links: dict[bytes, Ticket] = {}
        self._logins: dict[bytes, Ticket] = {}

    def new_link(self, token: bytes, now: float) -> str:
        """An address that logs in once as the token of this digest. Its code is in the fragment: neither servers nor
        logs see that."""
        return f"{self.url}/login#{_issue(self._links, Ticket(token, now + LINK_SECONDS), MAX_LINKS)}"

    def redeem(self, code: str, now: float) -> bytes | None:
        """The digest of the token that a link's code stands for; never again after this."""
        ticket = self._links.pop(_digest(code), None)
        return None if ticket is None or ticket.ends_at <= now else ticket.token

    def begin(self, token: bytes, now: float) -> str:
        """Log in as the token of this digest; the cookie."""
        return _issue(self._logins, Ticket(token, now + LOGIN_SECONDS), MAX_LOGINS)

    def token_of(self, cookie: str, now: float) -> bytes | None:
        """The digest of the token that this cookie stands for."""
        ticket = self._logins.get(_digest(cookie))
        return None if ticket is None or ticket.ends_at <= now else ticket.token

    def end(self, cookie: str) -> None:
        """Log out."""
        self._logins.pop(_digest(cookie), None)


def _issue(tickets: dict[bytes, Ticket], ticket: Ticket, most: int) -> str:
    secret = secrets.token_urlsafe(32)
    tickets[_digest(secret)] = ticket
    if len(tickets) > most:
        del tickets[next(iter(tickets))]
    return secret


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
