"""What no request passes by: it denies by default, and what it lets through is answered in one shape.

A browser is somebody else's tool: the Host must be ours (DNS rebinding), nothing but a step to a page may come from
another site's page, and what changes anything must be JSON, or the bytes of a file.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from email.utils import formatdate
from typing import Any
from urllib.parse import unquote_to_bytes

from starlette.exceptions import HTTPException

from hirehall.doors.http.answers import BYTES, JSON, SAFE_HEADERS, error_body
from hirehall.doors.http.statuses import exact, of_status, status_of
from hirehall.errors import BadRequest, Forbidden, HallError, Unknown
from hirehall.service.answers import mistake

log = logging.getLogger("hirehall")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

MAX_PATH = 1_024  # bytes
MAX_QUERY = 8_192
SAFE_METHODS = frozenset({"GET", "HEAD"})
OWN_SITES = frozenset({b"same-origin", b"none"})
LOCAL = frozenset({"localhost"})
DEFAULT_PORTS = {"http": 80, "https": 443}


def header(scope: Scope, name: bytes) -> bytes | None:
    """The one value of this header. Raises BadRequest for several."""
    found = [value for key, value in scope["headers"] if key == name]
    if len(found) > 1:
        raise BadRequest(f"the header {name.decode()} is given twice: give it once")
    return found[0] if found else None


def peer_of(scope: Scope) -> str:
    """Where a request comes from, for the log."""
    host, port = scope["client"] or ("", 0)
    return f"{host}:{port}" if host else ""


class Guard:
    """The outermost part of the site. `names` are what else than its address the hall is called in a browser."""

    def __init__(self, inner: App, names: Iterable[str]) -> None:
        self._inner = inner
        self._names = frozenset(names) | LOCAL

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def safe_send(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                given = {name for name, _ in message.get("headers", ())}
                more = [pair for pair in SAFE_HEADERS if pair[0] not in given]
                date = (b"date", formatdate(usegmt=True).encode())
                message["headers"] = [*message.get("headers", ()), *more, date]
            await send(message)

        try:
            self._check(scope)
            await self._inner(scope, receive, safe_send)
        except Exception as exc:
            if started:
                raise
            await answer_error(exc, scope, safe_send)

    def _check(self, scope: Scope) -> None:
        if len(scope["raw_path"]) > MAX_PATH:
            raise of_status(414, f"the path has more than {MAX_PATH} bytes")
        try:
            unquote_to_bytes(scope["raw_path"]).decode()
        except UnicodeDecodeError:
            raise BadRequest("the path is no UTF-8, percent-encoded") from None
        if len(scope["query_string"]) > MAX_QUERY:
            raise of_status(414, f"the query has more than {MAX_QUERY} bytes: send long lists in a body")
        host = self._host(scope)
        if scope["method"] not in SAFE_METHODS:
            self._check_type(scope)
        if not is_a_step(scope):
            check_origin(scope, host)

    def _host(self, scope: Scope) -> bytes:
        """The Host, which is one that we go by."""
        host = header(scope, b"host")
        if host is None:
            raise BadRequest("the header host is missing: say whom this is for")
        if not self._is_ours(host.decode("latin-1").lower(), scope):
            raise exact(
                Forbidden("this hall does not go by that name: use its address, or start it with --http-host NAME"), 421
            )
        return host.lower()

    def _is_ours(self, host: str, scope: Scope) -> bool:
        own, own_port = scope["server"] or ("", None)
        name, _, port = host.rpartition(":") if not host.endswith("]") and ":" in host else (host, "", "")
        if name in self._names - LOCAL:
            return True  # a proxy may stand before it, on any port
        right_port = port == str(own_port) or (not port and own_port == DEFAULT_PORTS[scope["scheme"]])
        return right_port and (name in LOCAL or name.strip("[]") == own.lower())

    def _check_type(self, scope: Scope) -> None:
        kind = header(scope, b"content-type")
        has_body = header(scope, b"transfer-encoding") is not None or (header(scope, b"content-length") or b"0") != b"0"
        if kind is None and not has_body:
            return
        if scope["method"] == "PUT":  # bytes of a file; no page of another site can PUT without having asked first
            if kind is not None and kind.lower() != BYTES.encode():
                raise of_status(415, f"send the bytes of the file: content-type: {BYTES}, or none")
            return
        essence, _, parameter = (kind or b"").lower().partition(b";")
        if essence.strip() != JSON.encode() or parameter.strip() not in (b"", b"charset=utf-8"):
            raise of_status(415, f"send JSON: content-type: {JSON}")


def is_a_step(scope: Scope) -> bool:
    """Whether a browser goes to a page, from wherever: what it sees then is on no other site's page."""
    return scope["method"] in SAFE_METHODS and header(scope, b"sec-fetch-mode") == b"navigate"


def check_origin(scope: Scope, host: bytes) -> None:
    """Raise Forbidden for what another site's page asks."""
    site, origin = header(scope, b"sec-fetch-site"), header(scope, b"origin")
    if site is not None and site not in OWN_SITES:
        raise Forbidden("another site's page may not do this")
    if origin is not None and origin.lower() != scope["scheme"].encode() + b"://" + host:
        raise Forbidden("another origin's page may not do this")


async def answer_error(exc: Exception, scope: Scope, send: Send) -> None:
    """Whatever went wrong, in the one shape."""
    headers: list[tuple[bytes, bytes]] = [(b"content-type", JSON.encode())]
    if isinstance(exc, HTTPException):
        found = not_routed(exc, scope)
        headers += [(name.lower().encode(), value.encode()) for name, value in (exc.headers or {}).items()]
    elif isinstance(exc, HallError):
        found = exc
    else:
        log.exception("%s %s failed", scope["method"], scope["path"], exc_info=exc)
        found = Unknown(mistake().error.message)
    headers += getattr(found, "headers", [])
    if status_of(found) == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    body = error_body(found)
    headers.append((b"content-length", b"%d" % len(body)))
    await send({"type": "http.response.start", "status": status_of(found), "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})


def not_routed(exc: HTTPException, scope: Scope) -> HallError:
    """What the router found, as an error of ours."""
    return of_status(exc.status_code, _sentence(exc.status_code, scope))


def _sentence(status: int, scope: Scope) -> str:
    if status == 405:
        return f"{scope['method'][:20]} is not for this path: see Allow, or /api/v1"
    if status == 404:
        return f"there is nothing at {scope['path'][:80]}: /api/v1 lists what there is"
    return "this request cannot be answered"
