"""Logging in and out, and the API as a page."""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from hirehall.doors.http.answers import HTML
from hirehall.doors.http.calls import body_of, json_answer
from hirehall.doors.http.dashboard.pages import error_page, login_page
from hirehall.doors.http.guard import Scope, header, not_routed
from hirehall.doors.http.inputs import Input
from hirehall.doors.http.operations import BASE, OPERATIONS, Operation
from hirehall.doors.http.statuses import status_of
from hirehall.doors.http.who import ENDED, Who
from hirehall.errors import BadRequest, HallError
from hirehall.wire.codec import decode_whole

HEAD = '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'


def login_address(scope: Scope) -> str:
    """Where to log in, and where to go on from there."""
    wanted = scope["path"] + ("?" + scope["query_string"].decode("latin-1") if scope["query_string"] else "")
    return "/login" if wanted == "/" else f"/login?{urlencode({'to': wanted})}"


def error(exc: HallError | HTTPException, scope: Scope) -> Response:
    """What went wrong, as a page."""
    found = not_routed(exc, scope) if isinstance(exc, HTTPException) else exc
    identity = scope["state"].get("identity")
    return Response(error_page(found, status_of(found), identity), status_of(found), media_type=HTML)


class Proof(msgspec.Struct, forbid_unknown_fields=True):
    """One of these says who somebody is."""

    code: str | None = None
    token: str | None = None


_proof: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Proof)


def is_looked_at(scope: Scope) -> bool:
    """Whether a person in a browser wants to see a page; a script of our pages that wants a part of one does not."""
    wants = header(scope, b"accept") or b""
    return scope["method"] == "GET" and HTML.encode() in wants and header(scope, b"hx-request") is None


class Login:
    """The page, and what it posts."""

    def __init__(self, who: Who) -> None:
        self._who = who

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        request = Request(scope, receive)
        response = await self._post(request) if request.method == "POST" else self._page(scope)
        await response(scope, receive, send)

    def _page(self, scope: Scope) -> Response:
        said = ENDED[:1].upper() + ENDED[1:] if self._who.has_ended(scope) else ""
        return Response(login_page(said), media_type=HTML)

    async def _post(self, request: Request) -> Response:
        proof = decode_whole(await body_of(request) or b"{}", _proof)
        if (proof.code is None) == (proof.token is None):
            raise BadRequest("give a code or a token")
        identity, cookie = self._who.log_in(request.scope, code=proof.code, token=proof.token)
        answer = json_answer({"ok": True, "name": identity.name, "roles": sorted(identity.roles)})
        answer.headers["set-cookie"] = cookie
        return answer


class Logout:
    """Ends a login."""

    def __init__(self, who: Who) -> None:
        self._who = who

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> None:
        answer = json_answer({"ok": True})
        answer.headers["set-cookie"] = self._who.log_out(scope)
        await answer(scope, receive, send)


async def reference(request: Request) -> Response:
    """The API for people."""
    rows = "".join(map(_row, OPERATIONS))
    return Response(
        f'{HEAD}<title>Hirehall API</title><h1>Hirehall API</h1><p>As <a href="{BASE}/openapi.json">OpenAPI</a>.</p>'
        f"<dl>{rows}</dl></html>",
        media_type=HTML,
    )


def _row(operation: Operation) -> str:
    names = ", ".join(Input(operation).names)
    where = "Body" if operation.has_body else "Query"
    fields = f"<br>{where}: {escape(names)}" if names else ""
    return f"<dt><code>{operation.method} {BASE}{operation.path}</code></dt><dd>{escape(operation.about)}{fields}</dd>"
