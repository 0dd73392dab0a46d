"""Contents in memory: what an implementation beside the local one has to do, in the fewest words. Object storage would
keep uploads on this machine as well and send them off at `publish`."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from hashlib import md5, sha256

import msgspec
from msgspec import Struct

from hirehall.errors import BadRequest, NotFound, WrongState
from hirehall.model import Blob
from hirehall.ports import MAX_PIECE, Upload


class Kept(Struct):
    """Bytes, and when they were added to last, epoch milliseconds."""

    data: bytes
    at_ms: int


class Disk(Struct):
    """What outlasts a run of the hall."""

    uploads: dict[str, Upload] = {}
    sealed: set[str] = set()
    parts: dict[str, Kept] = {}
    blobs: dict[str, Kept] = {}


class MemoryBlobs:
    """Implements ports.Blobs."""

    def __init__(self, disk: Disk, clock: Callable[[], int]) -> None:
        self._disk, self._clock = disk, clock

    async def begin(self, owner: str, size: int | None = None, sha256: str | None = None) -> Upload:
        upload = Upload(secrets.token_hex(16), owner, 0, size, sha256)
        self._disk.uploads[upload.id] = upload
        self._disk.parts[upload.id] = Kept(b"", self._clock())
        return upload

    async def received(self, upload: str) -> Upload:
        return self._find(upload)

    def _find(self, name: str) -> Upload:
        if name not in self._disk.uploads:
            raise NotFound(f"there is no upload {name[:40]!r}")
        return self._disk.uploads[name]

    async def write(self, upload: str, offset: int, data: bytes) -> Upload:
        found = self._find(upload)
        if len(data) > MAX_PIECE:
            raise BadRequest(f"write at most {MAX_PIECE}")
        if upload in self._disk.sealed:
            raise WrongState(f"upload {upload} is being finished")
        found.check_more(offset, len(data))
        self._disk.parts[upload] = Kept(self._disk.parts[upload].data + data, self._clock())
        self._disk.uploads[upload] = msgspec.structs.replace(found, received=offset + len(data))
        return self._disk.uploads[upload]

    async def seal(self, upload: str) -> Blob:
        found = self._find(upload)
        data = self._disk.parts[upload].data
        blob = Blob(sha256(data).hexdigest(), md5(data).hexdigest(), len(data))
        if found.size not in (None, len(data)):
            raise BadRequest(f"upload {upload} has {len(data)} of {found.size} bytes: send the rest")
        if found.sha256 not in (None, blob.sha256):
            await self.remove(upload)
            raise BadRequest(f"what was sent has sha256 {blob.sha256}, not {found.sha256} as declared")
        self._disk.sealed.add(upload)
        return blob

    async def publish(self, upload: str) -> None:
        blob = await self.seal(upload)
        kept = self._disk.parts.pop(upload)
        del self._disk.uploads[upload]
        self._disk.blobs[blob.sha256] = kept

    async def read(self, sha256: str, offset: int, count: int) -> bytes:
        if sha256 not in self._disk.blobs:
            raise NotFound(f"there is no content {sha256[:80]!r}")
        return self._disk.blobs[sha256].data[offset : offset + min(count, MAX_PIECE)]

    async def remove(self, name: str) -> None:
        if not re.fullmatch("[0-9a-f]{32}|[0-9a-f]{64}", name):
            raise NotFound(f"there is no content {name[:80]!r}")
        for kept in (self._disk.uploads, self._disk.parts, self._disk.blobs):
            kept.pop(name, None)  # type: ignore[attr-defined]

    async def sweep(self, part: int, uploads_before_ms: int, blobs_before_ms: int) -> list[str]:
        begin = f"{part:02x}"
        for name, kept in list(self._disk.parts.items()):
            if name.startswith(begin) and kept.at_ms < uploads_before_ms:
                await self.remove(name)
        blobs = self._disk.blobs.items()
        return [name for name, kept in blobs if name.startswith(begin) and kept.at_ms < blobs_before_ms]
