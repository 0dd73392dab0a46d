"""Who asks: a bearer token, or the cookie of a browser that is logged in. Nobody is anonymous here."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from hirehall.doors.http.guard import SAFE_METHODS, Scope, header, peer_of
from hirehall.doors.knocks import source
from hirehall.errors import Busy, Forbidden, Unauthenticated
from hirehall.service import audit
from hirehall.service.access import digest_of
from hirehall.service.logins import LOGIN_SECONDS, Logins
from hirehall.service.sessions import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from hirehall.doors.knocks import Knocks
    from hirehall.service.hall import Hall

OWN_HEADER = b"x-hirehall"  # a form of another site cannot send it
MAX_SECRET = 256


class Who:
    """Knows who may come in, and how often somebody may try."""

    def __init__(self, hall: Hall, knocks: Knocks) -> None:
        self._hall = hall
        self._knocks = knocks

    def asks(self, scope: Scope) -> Identity:
        """Whoever this request is from. Raises Unauthenticated, or Busy for who guesses."""
        authorization = header(scope, b"authorization")
        cookie = cookie_of(scope)
        if authorization is not None:
            scheme, _, token = authorization.partition(b" ")
            known = scheme.lower() == b"bearer" and len(token) <= MAX_SECRET
            identity = self._counted(scope, digest_of(token.strip().decode("latin-1")) if known else None)
        elif cookie is not None:
            identity = self._counted(scope, self._logins.token_of(cookie, self._hall.clock().mono))
            if scope["method"] not in SAFE_METHODS and header(scope, OWN_HEADER) is None:
                raise Forbidden("who comes with a cookie says X-Hirehall: 1 with whatever changes something")
        else:
            raise Unauthenticated("say who you are: Authorization: Bearer TOKEN, or log in at /login")
        scope["state"]["place"].greeted()
        return identity

    def stays_in(self, scope: Scope) -> Callable[[], bool]:
        """Answers whether the login by which this request was let in still counts; tokens end their sessions
        themselves."""
        if header(scope, b"authorization") is not None:
            return lambda: True
        cookie = cookie_of(scope) or ""
        return lambda: self._logins.token_of(cookie, self._hall.clock().mono) is not None

    @property
    def _logins(self) -> Logins:
        return self._hall.tokens.logins

    def _counted(self, scope: Scope, digest: bytes | None) -> Identity:
        """Whom this digest stands for. Only wrong ones are counted: a right one always comes in."""
        try:
            if digest is None:
                raise Unauthenticated("this login or token is not known here: it ended, or never was one")
            return self._hall.tokens.identify_digest(digest, self._hall.clock().wall_ms)
        except Unauthenticated as exc:
            address, now = source(scope["client"]), asyncio.get_running_loop().time()
            if self._knocks.must_wait(address, now):
                raise Busy(f"too many wrong tokens from {address}: try again in a minute") from None
            self._knocks.failed(address, now)
            audit.knocked(logging.WARNING, peer_of(scope), "a request", exc)
            raise

    # Logging in and out.

    def log_in(self, scope: Scope, *, code: str | None, token: str | None) -> tuple[Identity, str]:
        """By a link's code or by a token; who that is, and the Set-Cookie."""
        now = self._hall.clock().mono
        digest = digest_of(token[:MAX_SECRET]) if token is not None else self._logins.redeem(code or "", now)
        identity = self._counted(scope, digest)
        assert digest is not None, "nobody is known by nothing"
        scope["state"]["place"].greeted()
        audit.say(identity.name, peer_of(scope), "login", audit.OK, way="token" if token is not None else "link")
        return identity, _set_cookie(scope, self._logins.begin(digest, now), LOGIN_SECONDS)

    def log_out(self, scope: Scope) -> str:
        """The cookie counts no more; the Set-Cookie that says so to the browser."""
        audit.say(scope["state"]["identity"].name, peer_of(scope), "logout", audit.OK)
        self._logins.end(cookie_of(scope) or "")
        return _set_cookie(scope, "", 0)


def _name(scope: Scope) -> str:
    """Cookies know no ports: two halls on one machine must not share one."""
    return "__Host-hirehall" if scope["scheme"] == "https" else f"hirehall-{scope['server'][1]}"


def cookie_of(scope: Scope) -> str | None:
    """The cookie of ours, if there is exactly one."""
    sent = [value.decode("latin-1") for key, value in scope["headers"] if key == b"cookie"]
    pairs = [pair.strip().partition("=") for value in sent for pair in value.split(";")]
    found = [value for name, _, value in pairs if name == _name(scope)]
    return found[0][:MAX_SECRET] if len(found) == 1 else None


def _set_cookie(scope: Scope, value: str, seconds: float) -> str:
    secure = "; Secure" if scope["scheme"] == "https" else ""
    return f"{_name(scope)}={value}; Path=/; Max-Age={seconds:.0f}; HttpOnly; SameSite=Strict{secure}"
