"""Bytes of files on their way in: a piece at a time from the socket to the disk, none is read before the last one is
written. Who sends too slowly is cut off by the connection; what has come of an upload until then stays."""

from __future__ import annotations

import base64
import binascii
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from hirehall.core.file_names import check_file_name
from hirehall.doors.http import file_requests as up
from hirehall.doors.http.calls import Calls, Gone, asks, json_answer, read
from hirehall.doors.http.inputs import Input
from hirehall.doors.http.statuses import of_status
from hirehall.errors import BadRequest, HallError, NotFound, TooLarge, WrongState
from hirehall.model import MAX_FILE, Blob
from hirehall.ports import Upload
from hirehall.service import file_commands as files
from hirehall.service.asking import Asking
from hirehall.service.commands import INTERNAL, check_role
from hirehall.wire import replies, requests

PIECE = 1 << 18  # bytes; so many must come within the time that a line has
DIGESTS = ("repr-digest", "content-digest")  # RFC 9530
_SHA256 = re.compile(r"sha-256=:([A-Za-z0-9+/]{43}=):")


# What comes.


async def pieces(request: Request) -> AsyncIterator[bytes]:
    """The body in pieces. Raises Gone when it breaks off, behind what has come."""
    piece = bytearray()
    try:
        async for part in request.stream():
            piece += part
            if len(piece) >= PIECE:
                with request.scope["state"]["storing"]():
                    yield bytes(piece)
                piece.clear()
    except ClientDisconnect:
        if piece:
            yield bytes(piece)
        raise Gone from None
    if piece:
        yield bytes(piece)


def check_headers(request: Request, *names: str) -> None:
    """Raise BadRequest for what would change the meaning of the body, and is not heeded here."""
    if request.headers.get("content-encoding", "identity") != "identity":
        raise of_status(415, "send the bytes of the file as they are, without content-encoding")
    for name in ("content-range", *names):
        if name in request.headers:
            raise BadRequest(f"{name} is not heeded here: begin an upload, with its sha256, and say `offset`")


def declared_size(request: Request) -> int | None:
    """Bytes that the body says it has; None: it comes in chunks. Raises TooLarge."""
    text = request.headers.get("content-length")
    if text is None:
        return None
    if len(text) > 18 or int(text) > MAX_FILE:
        raise TooLarge(f"a file has at most {MAX_FILE} bytes: cut it into several")
    return int(text)


def declared_digest(request: Request) -> str | None:
    """The sha256 in hex that a header says. Raises BadRequest for one that is no such digest, or two that differ."""
    found = {_sha256(name, request.headers[name]) for name in DIGESTS if name in request.headers}
    if len(found) > 1:
        raise BadRequest("Repr-Digest and Content-Digest differ: one will do")
    return found.pop() if found else None


def _sha256(name: str, value: str) -> str:
    for entry in value.split(","):
        match = _SHA256.fullmatch(entry.strip())
        if match:
            with contextlib.suppress(binascii.Error):
                return base64.b64decode(match[1], validate=True).hex()
    raise BadRequest(f"{name} is {value[:80]!r}: write it as sha-256=:BASE64:")


async def take(calls: Calls, session: Asking, request: Request, sha256: str | None = None) -> Blob:
    """The whole body as one content; when it breaks off, nothing of it stays."""
    check_headers(request)
    said = declared_digest(request)
    if sha256 is not None and said not in (None, sha256):
        raise BadRequest("the path and the header name different digests: one will do")
    keeper = calls.hall.files
    upload = await keeper.begin(session, declared_size(request), sha256 or said)
    try:
        await pour(calls, session, request, upload)
        return await keeper.finish(session, upload.id)
    except BaseException:
        with contextlib.suppress(HallError):
            await keeper.abandon(session, upload.id)
        raise


async def pour(calls: Calls, session: Asking, request: Request, upload: Upload) -> Upload:
    """The body behind what is there already."""
    async for piece in pieces(request):
        if session.closed:  # its token counts no more
            await session.ask(requests.Ping())
        upload = await calls.hall.files.write(session, upload.id, upload.received, piece)
    return upload


# Files of jobs, in one go.


async def put_file(calls: Calls, what: Input, request: Request) -> Response:
    """An input or an output. What can be known to be wrong before the body has come is said before."""
    given = what.query(request.scope["query_string"])
    sort = what.operation.says
    with asks(calls.hall, request) as session:
        check_role(session, INTERNAL[sort])
        check_file_name(request.path_params["name"])
        await _check_job(session, request.path_params["id"], is_input=sort is files.Attach)
        blob = await take(calls, session, request)
        fields = {name: getattr(given, name) for name in what.names}
        return json_answer(await session.ask(sort(**request.path_params, **fields, sha256=blob.sha256)))


async def _check_job(session: Asking, job: str, *, is_input: bool) -> None:
    if not is_input:
        await session.ask(files.FilesOf(id=job))
        return
    found = (await session.ask(requests.Get(ids=[job]))).jobs
    if not found:
        raise NotFound(f"there is no job {job[:40]} that you may see")
    if found[0].state != "draft":
        raise WrongState(f"job {job} is {found[0].state}: only a draft takes files; submit another with `draft`")


async def put_content(calls: Calls, what: Input, request: Request) -> Response:
    """A content that a submit will name."""
    what.query(request.scope["query_string"])
    with asks(calls.hall, request) as session:
        return _stored(await take(calls, session, request, request.path_params["sha256"]))


# Uploads that may break off.


async def begin(calls: Calls, what: Input, request: Request) -> Response:
    """A place for it."""
    wanted = await read(what, request)
    if wanted.size is not None and wanted.size < 0:
        raise BadRequest(f"size is {wanted.size}: give the bytes of the file, or leave it out")
    with asks(calls.hall, request) as session:
        return _view(await calls.hall.files.begin(session, wanted.size, wanted.sha256), what.operation.status)


async def look(calls: Calls, what: Input, request: Request) -> Response:
    """How far it is."""
    await read(what, request)
    with asks(calls.hall, request) as session:
        return _view(await calls.hall.files.received(session, request.path_params["upload"]))


async def go_on(calls: Calls, what: Input, request: Request) -> Response:
    """More of it; what came before a connection broke off stays."""
    offset = what.query(request.scope["query_string"]).offset
    check_headers(request, *DIGESTS)
    keeper = calls.hall.files
    with asks(calls.hall, request) as session:
        upload = await keeper.received(session, request.path_params["upload"])
        upload.check_more(offset, declared_size(request) or 0)
        return _view(await pour(calls, session, request, upload))


async def finish(calls: Calls, what: Input, request: Request) -> Response:
    """It is whole."""
    await read(what, request)
    with asks(calls.hall, request) as session:
        return _stored(await calls.hall.files.finish(session, request.path_params["upload"]))


async def abandon(calls: Calls, what: Input, request: Request) -> Response:
    """It is not wanted."""
    await read(what, request)
    with asks(calls.hall, request) as session:
        await calls.hall.files.abandon(session, request.path_params["upload"])
    return json_answer(replies.Reply())


def _view(upload: Upload, status: int = 200) -> Response:
    fields: dict[str, Any] = {name: getattr(upload, name) for name in ("received", "size", "sha256")}
    answer = json_answer(up.Upload(upload=upload.id, **fields), status)
    answer.headers["upload-offset"] = str(upload.received)  # for HEAD
    return answer


def _stored(blob: Blob) -> Response:
    return json_answer(up.Stored(**msgspec.structs.asdict(blob)))


UPLOADS = {
    "put_file": put_file, "put_content": put_content, "begin_upload": begin, "upload": look, "go_on": go_on,
    "finish_upload": finish, "abandon_upload": abandon,
}  # fmt: skip
