"""Contents in a test's hands: plain calls, and a clock that the test moves."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from hirehall.model import Blob
from hirehall.ports import MAX_PIECE, PARTS, Blobs, Upload

START_MS = 1_800_000_000_000
DAY_MS, HOUR_MS = 86_400_000, 3_600_000


class Shelf:
    """One open place. `reopen` is another run of the hall on it."""

    now_ms = START_MS

    def __init__(self, make: Callable[[], Blobs], run: Callable[[Any], Any]) -> None:
        self._make, self.run = make, run

    def reopen(self) -> None:
        self.blobs = self._make()

    def begin(self, size: int | None = None, sha256: str | None = None) -> Upload:
        return self.run(self.blobs.begin("team", size, sha256))

    def write(self, upload: Upload, offset: int, data: bytes) -> Upload:
        return self.run(self.blobs.write(upload.id, offset, data))

    def received(self, upload: Upload) -> Upload:
        return self.run(self.blobs.received(upload.id))

    def seal(self, upload: Upload) -> Blob:
        return self.run(self.blobs.seal(upload.id))

    def finish(self, upload: Upload) -> Blob:
        blob = self.seal(upload)
        self.run(self.blobs.publish(upload.id))
        return blob

    def put(self, data: bytes) -> Blob:
        """A content, from its first to its last byte."""
        upload = self.begin(len(data), digest(data))
        for at in range(0, len(data), MAX_PIECE):
            self.write(upload, at, data[at : at + MAX_PIECE])
        return self.finish(upload)

    def read(self, blob: Blob, offset: int = 0, count: int = MAX_PIECE) -> bytes:
        return self.run(self.blobs.read(blob.sha256, offset, count))

    def remove(self, name: str) -> None:
        self.run(self.blobs.remove(name))

    def sweep(self) -> list[str]:
        """Every part, with the ages that a hall gives."""
        ages = self.now_ms - DAY_MS, self.now_ms - HOUR_MS
        return [name for part in range(PARTS) for name in self.run(self.blobs.sweep(part, *ages))]


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def facts(data: bytes) -> Blob:
    return Blob(digest(data), hashlib.md5(data).hexdigest(), len(data))
