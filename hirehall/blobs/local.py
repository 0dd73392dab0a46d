"""Blobs in a directory of this machine. docs/decisions/014 has the layout, and what a crash leaves of it.

Threads do the work: two for reading and writing, and one in which what makes a blob appear and disappear has its turn.
Nothing is made, and no thread started, before the first call.
"""

from __future__ import annotations

import asyncio
import errno
import os
import re
import secrets
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

from hirehall.blobs.unfinished import Declared, Unfinished, declaration, this_boot
from hirehall.durable import make_directory, sync_directory
from hirehall.errors import BadRequest, Damaged, NotFound, StorageFull, StoreBroken
from hirehall.model import Blob
from hirehall.ports import MAX_PIECE, Upload

P = ParamSpec("P")
T = TypeVar("T")
UPLOAD, DIGEST = re.compile("[0-9a-f]{32}"), re.compile("[0-9a-f]{64}")
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
WRITERS = 2  # threads: more would only wait for the same disk


def path_of(directory: Path, sha256: str) -> Path:
    """Where a content lies."""
    return directory / sha256[:2] / sha256


class LocalBlobs:
    """Implements ports.Blobs. `spare` bytes of the disk are left to others; `clock` answers epoch milliseconds."""

    def __init__(self, directory: Path, clock: Callable[[], int], spare: int = 0) -> None:
        self._directory, self._uploads = directory, directory / "uploads"
        self._clock, self._spare = clock, spare
        self._known: dict[str, Unfinished] = {}
        self._writing = ThreadPoolExecutor(WRITERS, "blobs")
        self._turns = ThreadPoolExecutor(1, "blob-names")

    async def begin(self, owner: str, size: int | None = None, sha256: str | None = None) -> Upload:
        """A new upload; its directory is there from now on."""
        declared = Declared(owner, size, sha256, this_boot())
        return await self._in(self._writing, self._begin, secrets.token_hex(16), declared)

    def _begin(self, name: str, declared: Declared) -> Upload:
        make_directory(self._uploads)
        self._check_room(declared.size or 0)
        upload = self._known[name] = Unfinished.make(self._uploads / name, declared, self._clock())
        return upload.view

    def _check_room(self, wanted: int) -> None:
        disk = os.statvfs(self._uploads)
        if disk.f_bavail * disk.f_frsize < self._spare + wanted:
            raise StorageFull(f"the disk of {self._directory} has no room for this file: free some and try again")

    async def received(self, upload: str) -> Upload:
        """Read again when it is of an earlier run."""
        return await self._in(self._writing, self._received, upload)

    def _received(self, name: str) -> Upload:
        upload = self._find(name)
        with upload.lock:
            return upload.view

    def _find(self, name: str) -> Unfinished:
        if not UPLOAD.fullmatch(name):
            raise NotFound(f"there is no upload {name[:40]!r}: ids are as the hall gave them")
        found = self._known.get(name)
        return found or self._known.setdefault(name, Unfinished.found(self._uploads / name))

    async def write(self, upload: str, offset: int, data: bytes) -> Upload:
        """The loop hears of it when the bytes are the system's, not yet the disk's."""
        if len(data) > MAX_PIECE:
            raise BadRequest(f"{len(data)} bytes at once: write at most {MAX_PIECE}")
        return await self._in(self._writing, self._write, upload, offset, data)

    def _write(self, name: str, offset: int, data: bytes) -> Upload:
        upload = self._find(name)
        with upload.lock:
            self._check_room(len(data))
            upload.write(offset, data, self._clock())
            return upload.view

    async def seal(self, upload: str) -> Blob:
        """Sync the file; its name comes with `publish`."""
        return await self._in(self._writing, self._seal, upload)

    def _seal(self, name: str) -> Blob:
        upload = self._find(name)
        with upload.lock:
            return upload.seal()

    async def publish(self, upload: str) -> None:
        """Rename, and sync the name."""
        await self._in(self._turns, self._publish, upload)

    def _publish(self, name: str) -> None:
        upload = self._find(name)
        with upload.lock:
            path = self._path(upload.seal().sha256)
            make_directory(path.parent)
            upload.path.replace(path)  # over the same content, if it is there: that may have been damaged since
            sync_directory(path.parent)
            upload.remove()
        self._known.pop(name, None)

    def _path(self, sha256: str) -> Path:
        if not DIGEST.fullmatch(sha256):
            raise NotFound(f"there is no content {sha256[:80]!r}: name it by its sha256")
        return path_of(self._directory, sha256)

    async def read(self, sha256: str, offset: int, count: int) -> bytes:
        """Open for this piece only: who reads slowly holds nothing."""
        return await self._in(self._writing, self._read, self._path(sha256), offset, min(count, MAX_PIECE))

    def _read(self, path: Path, offset: int, count: int) -> bytes:
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise NotFound(f"the content {path.name} is gone: restore it, or upload it again") from None
        try:
            return os.pread(fd, count, offset)
        except OSError as exc:
            raise Damaged(f"cannot read the content {path.name}: {exc.strerror}; the disk is damaged there") from exc
        finally:
            os.close(fd)

    async def remove(self, name: str) -> None:
        """Its directory stays."""
        path = self._uploads / name if UPLOAD.fullmatch(name) else self._path(name)
        await self._in(self._turns, self._remove, path)

    def _remove(self, path: Path) -> None:
        upload = self._known.pop(path.name, None)
        if upload is not None:
            with upload.lock:  # what is being written into it
                upload.remove()
        path.unlink(missing_ok=True)
        if path.parent == self._uploads:
            declaration(path).unlink(missing_ok=True)

    async def sweep(self, part: int, uploads_before_ms: int, blobs_before_ms: int) -> list[str]:
        """Ages are those of the files."""
        return await self._in(self._turns, self._sweep, f"{part:02x}", uploads_before_ms, blobs_before_ms)

    def _sweep(self, part: str, uploads_before_ms: int, blobs_before_ms: int) -> list[str]:
        for name in _older(self._uploads, part, uploads_before_ms):
            self._remove(self._uploads / name.partition(".")[0])
            (self._uploads / name).unlink(missing_ok=True)  # a declaration that was never whole
        return [name for name in _older(self._directory / part, part, blobs_before_ms) if DIGEST.fullmatch(name)]

    async def _in(self, threads: ThreadPoolExecutor, call: Callable[P, T], *args: P.args, **more: P.kwargs) -> T:
        with self._errors_named():
            return await asyncio.get_running_loop().run_in_executor(threads, lambda: call(*args, **more))

    @contextmanager
    def _errors_named(self) -> Iterator[None]:
        try:
            yield
        except OSError as exc:
            if exc.errno in FULL:
                raise StorageFull(f"no space left for {self._directory}: free some and try again") from exc
            raise StoreBroken(f"cannot write {self._directory}: {exc}; look after its disk, then start again") from exc


def _older(directory: Path, part: str, before_ms: int) -> list[str]:
    """Files whose names begin with `part`, and to which nothing was added since; an upload is as old as its content."""
    try:
        with os.scandir(directory) as entries:
            found = {entry.name: entry for entry in entries if entry.name.startswith(part)}
    except FileNotFoundError:
        return []
    return [
        name
        for name, entry in found.items()
        if name.partition(".")[0] == name or name.partition(".")[0] not in found
        if _modified_ms(entry) < before_ms
    ]


def _modified_ms(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat(follow_symlinks=False).st_mtime_ns // 1_000_000
    except FileNotFoundError:  # it was published or removed meanwhile
        return 1 << 62
