"""Bytes of files on their way out: always to be kept, never to be shown, whatever they are."""

from __future__ import annotations

import asyncio
import base64
import re
import unicodedata
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from hirehall.doors.http.answers import BYTES
from hirehall.doors.http.calls import Calls, Gone, body_of, identity_of, until_gone
from hirehall.doors.http.guard import Receive, Scope, Send
from hirehall.doors.http.inputs import Input
from hirehall.doors.http.statuses import exact
from hirehall.doors.http.streams import CUT_SECONDS
from hirehall.errors import BadRequest, HallError, NotFound
from hirehall.service import file_commands as files
from hirehall.service.asking import asking
from hirehall.wire.replies import FileView

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

PIECE = 1 << 18  # bytes
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


class Unsatisfiable(HallError):
    """nothing of this range is there"""

    code = "bad_request"

    def __init__(self, size: int) -> None:
        super().__init__(f"the file has {size} bytes: this range is behind its end")
        exact(self, 416)
        self.headers = [(b"content-range", b"bytes */%d" % size)]


def wanted(request: Request, file: FileView) -> range | None:
    """The one range that is asked for; None: all of it, as for several, for one that cannot be read, and for a file
    that is another one by now. Raises Unsatisfiable."""
    asked = request.headers.get("range")
    match = _RANGE.fullmatch(asked.strip()) if asked is not None and request.method == "GET" else None
    if match is None or request.headers.get("if-range", etag(file)) != etag(file):
        return None
    first, last = match.groups()
    if not first and not last:
        return None
    if not first:
        found = range(max(0, file.bytes - int(last)), file.bytes)
    else:
        if last and int(last) < int(first):
            return None
        found = range(int(first), min(int(last or file.bytes) + 1, file.bytes))
    if not found:
        raise Unsatisfiable(file.bytes)
    return found


def etag(file: FileView) -> str:
    """The same content is the same file."""
    return f'"{file.sha256}"'


def disposition(name: str) -> str:
    """For a program that knows only letters, and for all others (RFC 6266)."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().replace('"', "").replace("%", "")
    return f"attachment; filename=\"{plain or 'file'}\"; filename*=UTF-8''{quote(name, safe='')}"


class Download(Response):
    """Reads the next piece when the peer has taken the last one; one that takes nothing is cut off."""

    def __init__(self, hall: Hall, request: Request, file: FileView) -> None:
        part = wanted(request, file)
        super().__init__(status_code=200 if part is None else 206, media_type=BYTES)
        self._hall, self._file = hall, file
        self._identity = identity_of(request)
        self._part = range(file.bytes) if part is None else part
        digest = base64.b64encode(bytes.fromhex(file.sha256)).decode()
        self.headers.update({
            "content-length": str(len(self._part)), "content-disposition": disposition(file.name),
            "content-security-policy": "sandbox; default-src 'none'", "accept-ranges": "bytes", "etag": etag(file),
            "repr-digest": f"sha-256=:{digest}:",
        })  # fmt: skip
        if part is not None:
            self.headers["content-range"] = f"bytes {part.start}-{part.stop - 1}/{file.bytes}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        part = range(0) if scope["method"] == "HEAD" else self._part
        first = await self._read(part)  # what is gone is said as an error, not as a file that breaks off
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        gone = asyncio.ensure_future(until_gone(receive))
        try:
            with asking(self._hall, self._identity) as session:  # it ends with its token
                await self._say(part, first, send, lambda: gone.done() or session.closed)
        except (TimeoutError, HallError):
            scope["state"]["abort"]()
        finally:
            gone.cancel()

    async def _say(self, part: range, piece: bytes, send: Send, is_over: Callable[[], bool]) -> None:
        while True:
            part = part[len(piece) :]
            async with asyncio.timeout(CUT_SECONDS):
                await send({"type": "http.response.body", "body": piece, "more_body": bool(part)})
            if not part:
                return
            if is_over():
                raise Gone
            piece = await self._read(part)

    async def _read(self, part: range) -> bytes:
        if not part:
            return b""
        piece = await self._hall.files.read(self._file.sha256, part.start, min(PIECE, len(part)))
        if not piece:
            raise NotFound(f"the content {self._file.sha256} is shorter than it was")
        return piece


async def download(calls: Calls, what: Input, request: Request) -> Response:
    """The file of this name."""
    if await body_of(request):
        raise BadRequest("GET takes no body: write parameters into the query")
    direction = what.query(request.scope["query_string"]).direction
    job, name = request.path_params["id"], request.path_params["name"]
    listed = (await calls.ask(request, files.FilesOf(id=job))).files
    file = chosen((one for one in listed if direction in (None, one.direction)), name)
    if file is None:
        raise NotFound(f"job {job[:40]} has no such file: see /api/v1/jobs/{job[:40]}/files")
    return Download(calls.hall, request, file)


def chosen(listed: Iterable[FileView], name: str) -> FileView | None:
    """An output rather than an input."""
    found = [one for one in listed if one.name == name]
    return max(found, key=lambda one: one.direction == "out", default=None)
