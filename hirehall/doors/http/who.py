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
from hirehall.service.logins import LINK_SECONDS, LOGIN_SECONDS, Logins
from hirehall.service.sessions import Identity

if TYPE_CHECKING:
    from collections.abc import Callable

    from hirehall.doors.knocks import Knocks
    from hirehall.service.hall import Hall

OWN_HEADER = b"x-hirehall"  # a form of another site cannot send it
MAX_SECRET = 256
HOURS = f"{LOGIN_SECONDS / 3600:.0f} hours"
ENDED = f"this login has ended, as each does after {HOURS} or when the hall starts anew: log in again"
USED = f"this link was used already, or is older than {LINK_SECONDS / 60:.0f} minutes"


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
            digest = digest_of(token.strip().decode("latin-1")) if known else None
            identity = self._counted(scope, digest, "this says no token: Authorization: Bearer TOKEN")
        elif cookie is not None:
            identity = self._logged_in(cookie)
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

    def has_ended(self, scope: Scope) -> bool:
        """Whether this comes with a login that counts no more."""
        cookie = cookie_of(scope)
        return cookie is not None and self._logins.token_of(cookie, self._hall.clock().mono) is None

    def _logged_in(self, cookie: str) -> Identity:
        """Whose login this is. One that has ended is no guess: a hall that starts anew knows none of them, and every
        tab of a browser asks."""
        now = self._hall.clock()
        digest = self._logins.token_of(cookie, now.mono)
        if digest is None:
            raise Unauthenticated(ENDED)
        return self._hall.tokens.identify_digest(digest, now.wall_ms)

    def _counted(self, scope: Scope, digest: bytes | None, otherwise: str) -> Identity:
        """Whom this digest stands for; if there is none, `otherwise` is why. Only wrong ones are counted: a right one
        always comes in."""
        try:
            if digest is None:
                raise Unauthenticated(otherwise)
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
        identity = self._counted(scope, digest, USED)
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
