"""Files of jobs for programs: up and down over the hall's HTTP door, gone on with after a break, digests held against
what came. Blocking, and with nothing but the standard library; asyncio's have `asyncio.to_thread`.

    files = files_of(hall)
    sent = files.upload(Path("a.png"))
    job = hall.submit("resize", files=[{"name": "a.png", "sha256": sent.sha256}])
    job.result()
    files.download(job.id, "small.png", Path("."))

`files_of` takes the asyncio client too.
"""

from __future__ import annotations

import errno
import hashlib
import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from urllib.parse import quote, urlsplit

import msgspec
from msgspec import Struct

from hirehall.client.backoff import full_jitter
from hirehall.client.tls import context_for
from hirehall.errors import (
    BadRequest,
    Damaged,
    HallError,
    NotFound,
    Unauthenticated,
    Unavailable,
    WrongState,
    from_wire,
)
from hirehall.wire.replies import ErrorReply, FileView

if TYPE_CHECKING:
    from hirehall.client.address import Address
    from hirehall.client.contact import Contact

PIECE = 1 << 18  # bytes
SILENT_SECONDS = 60.0
PATIENCE_SECONDS = 60.0  # without anything that brings it on
T = TypeVar("T")
BROKEN = (OSError, http.client.HTTPException)
GONE = (*BROKEN, Unavailable)
HERE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO})  # of this machine's disk
ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
LONGEST_PART = 233  # bytes of a name that `.DIGITS.part` still fits behind
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


class NotBack(Unavailable):
    """the hall was waited for long enough"""


class Patience:
    """For a hall that has gone and may come again."""

    def __init__(self) -> None:
        self._had = -1
        self._pauses = full_jitter()
        self.extend()

    def extend(self) -> None:
        """So long again, from now."""
        self._until = time.monotonic() + PATIENCE_SECONDS

    def wait(self, have: int, why: Exception) -> None:
        """So many bytes are there. Raises NotBack when they have been no more for too long."""
        if have > self._had:
            self._had, self._pauses = have, full_jitter()
            self.extend()
        elif time.monotonic() > self._until:
            raise NotBack(f"the hall is gone, and has not come again: {why}") from why
        self.pause(next(self._pauses))

    def pause(self, seconds: float) -> None:
        """Do nothing for so long."""
        time.sleep(seconds)


def files_of(hall: Contact[Any]) -> Files:
    """Those of the hall that this is a connection to. Raises WrongState when it has no HTTP door, Unauthenticated
    without a token: nobody is anonymous there."""
    return files_at(hall.address, hall.welcome.http)


def files_at(address: Address, site: str | None, patience: Callable[[], Patience] = Patience) -> Files:
    """Those of the hall at `address`, whose welcome says that its HTTP door is at `site`. Raises as `files_of`."""
    if address.token is None:
        raise Unauthenticated("files need a token: say --token, HIREHALL_TOKEN, or where the hall's access.json is")
    if site is None:
        raise WrongState("this hall has no HTTP door, and so no files: start it with --http")
    tls = context_for(address) if site.startswith("https:") else None
    return Files(site, address.token, tls, near=address.host, patience=patience)


class Files:
    """The hall at `site`, an http:// or https:// address, for who has this token. `near`: the host to ask when the site
    is everywhere on its machine. One transfer at a time; `hang_up` and `move` are for other threads."""

    def __init__(
        self,
        site: str,
        token: str,
        tls: ssl.SSLContext | None = None,
        *,
        near: str = "",
        patience: Callable[[], Patience] = Patience,
    ) -> None:
        self._tls, self._token, self._near, self._patience = tls, token, near, patience
        self._live: socket.socket | None = None
        self.move(site)

    def move(self, site: str) -> None:
        """The hall was started anew, perhaps on another port: what is under way goes on there."""
        parts = urlsplit(site)
        host = parts.hostname or ""
        self._place = (self._near or ANYWHERE[host] if host in ANYWHERE else host), parts.port

    def hang_up(self) -> None:
        """Break the connection under way, if there is one."""
        live = self._live
        if live is not None:
            with suppress(OSError):
                socket.socket.shutdown(live, socket.SHUT_RDWR)

    def listed(self, job: str) -> list[FileView]:
        """The files of a job. Raises NotFound."""
        return self._json("GET", f"/jobs/{quote(job, safe='')}/files", _Listed).files

    def upload(self, path: Path, shown: Shown = lambda _: None) -> Sent:
        """Send this file as a content, which a submit within the hour may name. Raises OSError when it cannot be read,
        Unavailable when the hall is not there any more, and what the hall refuses."""
        with path.open("rb") as file:
            return self.send(file, shown)

    def send(self, file: BinaryIO, shown: Shown = lambda _: None) -> Sent:
        """The same of what can be read here, whose digest is made first: from its beginning, twice."""
        digest = _digest(file, shown)
        size = file.tell()
        begun = self._json("POST", "/uploads", _Upload, {"size": size, "sha256": digest})
        where = f"/uploads/{begun.upload}"
        try:
            self._send_all(where, file, size, shown)
            return self._json("POST", f"{where}/finish", Sent)
        except GONE:
            raise
        except BaseException:  # nobody will go on with it, and what is there counts for the quota
            with suppress(HallError):
                self._json("DELETE", where, dict[str, Any])
            raise

    def _send_all(self, where: str, file: BinaryIO, size: int, shown: Shown) -> None:
        received, patience = 0, self._patience()
        while received < size:
            try:
                received = self._send(where, file, received, size, shown)
            except (*GONE, WrongState) as why:  # that one while the hall still writes what came before the break
                patience.wait(received, why)
                received = self._received(where, received)

    def attach(self, job: str, attempt: int, worker: str, name: str, sha256: str) -> None:
        """Give a content to an attempt as its output, as the worker that holds it. Raises StaleLease when it does
        not."""
        said = {"attempt": attempt, "worker": worker, "name": name, "sha256": sha256}
        self._json("POST", f"/jobs/{quote(job, safe='')}/outputs", dict[str, Any], said)

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
        (`NAME.DIGITS.part`) is gone on with. Raises NotFound, BadRequest when there is such a file already, Damaged."""
        found = [file for file in self.listed(job) if file.name == name]
        if not found:
            raise NotFound(f"job {job} has no file {name!r}")
        file = max(found, key=lambda one: one.direction == "out")
        if Path(name).name != name or "\\" in name:
            raise BadRequest(f"{name!r} is no name for a file here")
        target = into / name
        if os.path.lexists(target):
            raise BadRequest(f"{target} is there already: move it away, or fetch into another directory")
        self.fetch(job, file, into / part_of(file), shown)
        (into / part_of(file)).rename(target)
        return target

    def fetch(self, job: str, file: FileView, part: Path, shown: Shown = lambda _: None) -> None:
        """The content of this file of a job; what is in `part` already is gone on with. Raises Damaged when it came
        with another digest: then it is thrown away; OSError when it cannot be written here."""
        where = f"/jobs/{quote(job, safe='')}/files/{quote(file.name, safe='')}?direction={file.direction}"
        self._fetch(where, file, part, shown)
        with part.open("rb") as content:
            digest = _digest(content)
        if digest != file.sha256:
            part.unlink()
            raise Damaged(f"{file.name!r} came with the sha256 {digest}, not {file.sha256}: fetch it again")

    def _fetch(self, where: str, file: FileView, part: Path, shown: Shown) -> None:
        patience, have = self._patience(), -1
        while have < file.bytes:
            flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
            with os.fdopen(os.open(part, flags, 0o666), "wb", buffering=0) as content:
                have = min(content.seek(0, os.SEEK_END), file.bytes)
                content.truncate(have)
                try:
                    if have < file.bytes:
                        self._receive(where, file, content, have, shown)
                except GONE as why:
                    if isinstance(why, OSError) and why.errno in HERE:
                        raise
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
                _write_all(content, piece)
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
            raise Unavailable(f"cannot reach the hall at {self._place[0]}:{self._place[1]}: {why}") from why
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self._place
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=SILENT_SECONDS, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=SILENT_SECONDS)

    def _ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: Any, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        """The answer, when it is a good one. Raises the error that it tells."""
        said = {"authorization": f"Bearer {self._token}", "content-type": "application/json", **headers}
        if isinstance(body, dict):
            body = msgspec.json.encode(body)
        connection.connect()
        self._live = connection.sock
        connection.request(method, f"/api/v1{path}", body, said)
        answer = connection.getresponse()
        if answer.status >= 400:
            raise _error(answer)
        return answer


def part_of(file: FileView) -> str:
    """Where it is until it is whole: a name that no other file has, and no other content of this name."""
    fits = len(file.name.encode()) <= LONGEST_PART
    return f"{file.name}.{file.sha256[:16]}.part" if fits else f"{file.sha256}.part"


def _write_all(content: Any, piece: bytes) -> None:
    """A disk that is nearly full takes a part of it, and complains at the next."""
    left = memoryview(piece)
    while left:
        left = left[content.write(left) :]


def _digest(file: BinaryIO, shown: Shown = lambda _: None) -> str:
    """The sha256 of all that is there; the file is at its end then."""
    digest = hashlib.sha256()
    file.seek(0)
    while piece := file.read(PIECE):
        digest.update(piece)
        shown(0)
    return digest.hexdigest()


def _error(answer: http.client.HTTPResponse) -> HallError:
    try:
        told = msgspec.json.decode(answer.read(), type=ErrorReply).error
    except msgspec.MsgspecError:
        return Unavailable(f"something that is no hall answered {answer.status}")
    return from_wire(told.code, told.message)
