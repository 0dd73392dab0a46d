"""Files of jobs for programs: up and down over the hall's HTTP door, gone on with after a break, digests held against
what came. Blocking, and with nothing but the standard library; asyncio's have `asyncio.to_thread`.

    files = files_of(hall)
    sent = files.upload(Path("a.png"))
    job = hall.submit("resize", files=[{"name": "a.png", "sha256": sent.sha256}])
    job.result()
    files.download(job.id, "small.png", Path("."))
"""

from __future__ import annotations

import hashlib
import http.client
import os
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from hirehall.client.backoff import full_jitter
from hirehall.client.sync_client import Hall
from hirehall.client.tls import context_for
from hirehall.errors import BadRequest, Damaged, HallError, NotFound, Unauthenticated, Unavailable, from_wire
from hirehall.wire.replies import ErrorReply, FileView

PIECE = 1 << 18  # bytes
SILENT_SECONDS = 60.0
PATIENCE_SECONDS = 60.0  # without anything that brings it on
T = TypeVar("T")
BROKEN = (OSError, http.client.HTTPException)
Shown = Callable[[int], None]  # is told how many bytes are there


class Sent(Struct, frozen=True):
    """A content that the hall has."""

    sha256: str
    md5: str
    bytes: int


class _Upload(Struct):
    upload: str
    received: int


class _Listed(Struct):
    files: list[FileView]


def files_of(hall: Hall) -> Files:
    """Those of the hall that this is a connection to. Raises WrongState when it has no HTTP door, Unauthenticated
    without a token: nobody is anonymous there."""
    address = hall.address
    if address.token is None:
        raise Unauthenticated("files need a token: say --token, HIREHALL_TOKEN, or where the hall's access.json is")
    site = hall.request({"cmd": "link"})["link"].partition("/login")[0]
    return Files(site, address.token, context_for(address) if site.startswith("https:") else None)


class Files:
    """The hall at `site`, an http:// or https:// address, for who has this token."""

    def __init__(self, site: str, token: str, tls: ssl.SSLContext | None = None) -> None:
        parts = urlsplit(site)
        self._host, self._port, self._tls = parts.hostname or "", parts.port, tls
        self._token = token

    def listed(self, job: str) -> list[FileView]:
        """The files of a job. Raises NotFound."""
        return self._json("GET", f"/jobs/{quote(job, safe='')}/files", _Listed).files

    def upload(self, path: Path, shown: Shown = lambda _: None) -> Sent:
        """Send this file as a content, which a submit within the hour may name. Raises OSError when it cannot be read,
        Unavailable when the hall is not there any more, and what the hall refuses."""
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
            begun = self._json("POST", "/uploads", _Upload, {"size": size, "sha256": digest})
            where, received, patience = f"/uploads/{begun.upload}", 0, _Patience()
            while received < size:
                try:
                    received = self._send(where, file, received, size, shown)
                except BROKEN as why:
                    patience.wait(received, why)
                    received = self._received(where, received)
        return self._json("POST", f"{where}/finish", Sent)

    def _send(self, where: str, file: Any, offset: int, size: int, shown: Shown) -> int:
        def pieces() -> Iterator[bytes]:
            file.seek(offset)
            while piece := file.read(min(PIECE, size - file.tell())):
                yield piece
                shown(file.tell())

        headers = {"content-length": str(size - offset), "content-type": "application/octet-stream"}
        return self._json("PUT", f"{where}?offset={offset}", _Upload, pieces(), headers).received

    def _received(self, where: str, before: int) -> int:
        try:
            return self._json("GET", where, _Upload).received
        except Unavailable:
            return before

    def download(self, job: str, name: str, into: Path, shown: Shown = lambda _: None) -> Path:
        """Fetch a file of a job into this directory, an output rather than an input; what an earlier call left behind
        (`NAME.part`) is gone on with. Raises NotFound, BadRequest when there is such a file already, Damaged."""
        found = [file for file in self.listed(job) if file.name == name]
        if not found:
            raise NotFound(f"job {job} has no file {name!r}")
        file = max(found, key=lambda one: one.direction == "out")
        if Path(name).name != name or "\\" in name:
            raise BadRequest(f"{name!r} is no name for a file here")
        target, part = into / name, into / f"{name}.part"
        if os.path.lexists(target):
            raise BadRequest(f"{target} is there already: move it away, or fetch into another directory")
        self._fetch(f"/jobs/{quote(job, safe='')}/files/{quote(name, safe='')}?direction={file.direction}",
                    file, part, shown)  # fmt: skip
        with part.open("rb") as content:
            digest = hashlib.file_digest(content, "sha256").hexdigest()
        if digest != file.sha256:
            part.unlink()
            raise Damaged(f"{name!r} came with the sha256 {digest}, not {file.sha256}: fetch it again")
        part.rename(target)
        return target

    def _fetch(self, where: str, file: FileView, part: Path, shown: Shown) -> None:
        patience, have = _Patience(), -1
        while have < file.bytes:
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            with os.fdopen(os.open(part, flags, 0o666), "wb", buffering=0) as content:
                have = min(content.seek(0, os.SEEK_END), file.bytes)
                content.truncate(have)
                try:
                    if have < file.bytes:
                        self._receive(where, file, content, have, shown)
                except BROKEN as why:
                    patience.wait(content.tell(), why)
                have = content.tell()

    def _receive(self, where: str, file: FileView, content: Any, have: int, shown: Shown) -> None:
        headers = {"range": f"bytes={have}-", "if-range": f'"{file.sha256}"'}
        connection = self._connection()
        try:
            answer = self._ask(connection, "GET", where, None, headers)
            if answer.status == 200:  # another file by now: its digest will tell
                content.truncate(0)
                content.seek(0)
            while piece := answer.read(PIECE):
                content.write(piece)
                shown(content.tell())
            if content.tell() < file.bytes:
                raise ConnectionResetError("the connection was lost")
        finally:
            connection.close()

    # One call.

    def _json(self, method: str, path: str, sort: type[T], body: Any = None, headers: Mapping[str, str] = {}) -> T:
        connection = self._connection()
        try:
            return msgspec.json.decode(self._ask(connection, method, path, body, headers).read(), type=sort)
        except BROKEN as why:
            if method == "PUT":
                raise
            raise Unavailable(f"cannot reach the hall at {self._host}:{self._port}: {why}") from why
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is not None:
            return http.client.HTTPSConnection(self._host, self._port, timeout=SILENT_SECONDS, context=self._tls)
        return http.client.HTTPConnection(self._host, self._port, timeout=SILENT_SECONDS)

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """The answer, when it is a good one. Raises the error that it tells."""
        said = {"authorization": f"Bearer {self._token}", "content-type": "application/json", **headers}
        if isinstance(body, dict):
            body = msgspec.json.encode(body)
        connection.request(method, f"/api/v1{path}", body, said)
        answer = connection.getresponse()
        if answer.status >= 400:
            raise _error(answer)
        return answer


class _Patience:
    """For a hall that has gone and may come again."""

    def __init__(self) -> None:
        self._had = -1
        self._begin()

    def _begin(self) -> None:
        self._until, self._pauses = time.monotonic() + PATIENCE_SECONDS, full_jitter()

    def wait(self, have: int, why: Exception) -> None:
        """So many bytes are there. Raises Unavailable when they have been no more for too long."""
        if have > self._had:
            self._had = have
            self._begin()
        elif time.monotonic() > self._until:
            raise Unavailable(f"the hall is gone, and has not come again: {why}") from why
        time.sleep(next(self._pauses))


def _error(answer: http.client.HTTPResponse) -> HallError:
    try:
        told = msgspec.json.decode(answer.read(), type=ErrorReply).error
    except msgspec.MsgspecError:
        return Unavailable(f"something that is no hall answered {answer.status}")
    return from_wire(told.code, told.message)
