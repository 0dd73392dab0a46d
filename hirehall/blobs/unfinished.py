"""An upload on this machine's disk: a file that grows, its hashes, and beside it what its sender has declared.

All of it runs in threads, one call for an upload at a time: who was cut off and comes again waits for its last one.
"""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import msgspec
from msgspec import Struct

from hirehall.durable import replace_file
from hirehall.errors import BadRequest, NotFound, WrongState
from hirehall.model import Blob
from hirehall.ports import MAX_PIECE, Upload

BOOT = Path("/proc/sys/kernel/random/boot_id")


class Declared(Struct, frozen=True):
    """What stands beside the content. `boot` is the run of the machine in which it began; empty where nobody knows."""

    owner: str
    size: int | None
    sha256: str | None
    boot: str


def this_boot() -> str:
    """The name of this run of the machine."""
    return BOOT.read_text().strip() if BOOT.exists() else ""


def declaration(path: Path) -> Path:
    """What stands beside an upload."""
    return path.with_name(f"{path.name}.json")


class Unfinished:
    """One upload. Calls raise OSError where the disk fails."""

    def __init__(self, path: Path, declared: Declared) -> None:
        self.path, self.declared = path, declared
        self.lock = threading.Lock()
        self._is_sealed = False
        self._begin()

    def _begin(self) -> None:
        self.received = 0
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)

    @classmethod
    def make(cls, path: Path, declared: Declared, now_ms: int) -> Unfinished:
        """A new one, empty."""
        replace_file(declaration(path), msgspec.json.encode(declared))
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        _touch(path, now_ms)
        return cls(path, declared)

    @classmethod
    def found(cls, path: Path) -> Unfinished:
        """One of an earlier run of the hall. What a power cut may have taken or changed is judged by the digest that
        was declared; without one it begins anew. Raises NotFound."""
        try:
            declared = msgspec.json.decode(declaration(path).read_bytes(), type=Declared)
            upload = cls(path, declared)
            if declared.sha256 is None and declared.boot != (this_boot() or None):
                os.truncate(path, 0)
            upload._read_again()
        except (FileNotFoundError, msgspec.DecodeError):
            raise NotFound(
                f"there is no upload {path.name}: it was finished, or left for a day; begin another"
            ) from None
        return upload

    def _read_again(self) -> None:
        with self.path.open("rb") as file:
            while piece := file.read(MAX_PIECE):
                self._add(piece)

    def _add(self, piece: bytes) -> None:
        self._sha256.update(piece)
        self._md5.update(piece)
        self.received += len(piece)

    @property
    def view(self) -> Upload:
        """How far it is."""
        return Upload(self.path.name, self.declared.owner, self.received, self.declared.size, self.declared.sha256)

    def write(self, offset: int, data: bytes, now_ms: int) -> None:
        """Append. What could not be written whole is as if it had not been tried. Raises WrongState, BadRequest."""
        if self._is_sealed:
            raise WrongState(f"upload {self.path.name} is being finished: begin another for what comes now")
        self.view.check_more(offset, len(data))
        fd = self._open()
        try:
            _write_all(fd, data, offset)
        except OSError:
            os.ftruncate(fd, offset)
            raise
        finally:
            os.close(fd)
        self._add(data)
        _touch(self.path, now_ms)

    def seal(self) -> Blob:
        """Everything is there, as declared, and on the disk. Raises BadRequest."""
        wanted, digest = self.declared, self._sha256.hexdigest()
        if wanted.size not in (None, self.received):
            raise BadRequest(f"upload {self.path.name} has {self.received} of {wanted.size} bytes: send the rest")
        if wanted.sha256 not in (None, digest):
            self.remove()
            raise BadRequest(f"what was sent has sha256 {digest}, not {wanted.sha256} as declared: send it anew")
        fd = self._open()
        try:
            os.fsync(fd)
        finally:
            os.close(fd)
        self._is_sealed = True
        return Blob(digest, self._md5.hexdigest(), self.received)

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_WRONLY | os.O_NOFOLLOW)
        except FileNotFoundError:
            raise NotFound(f"there is no upload {self.path.name} any more: begin another") from None

    def remove(self) -> None:
        """Nobody goes on with it."""
        self.path.unlink(missing_ok=True)
        declaration(self.path).unlink(missing_ok=True)


def _write_all(fd: int, data: bytes, offset: int) -> None:
    left = memoryview(data)
    while left:
        written = os.pwrite(fd, left, offset)
        left, offset = left[written:], offset + written


def _touch(path: Path, now_ms: int) -> None:
    """Its age counts by the hall's clock."""
    os.utime(path, ns=(now_ms * 1_000_000, now_ms * 1_000_000))
