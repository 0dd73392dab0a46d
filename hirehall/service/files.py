"""Contents of files between door and store: uploads, pins, removal, the sweep. docs/decisions/014 has the order.

A content is published before the commit that names it, and removed after the commit that drops its last name. Between
`publish` and that commit it is pinned: what would remove it looks at the pins in the same step as at the store.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Awaitable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from msgspec import Struct

from hirehall.core.file_names import check_digest
from hirehall.core.operations import Batch, Filed
from hirehall.errors import Busy, Forbidden, HallError, NotFound, StorageFull, StoreBroken, TooLarge, Unavailable
from hirehall.model import MAX_FILE, Blob
from hirehall.ports import PARTS, Blobs, Unnamed, Upload
from hirehall.service.sessions import Session

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

log = logging.getLogger("hirehall")

UPLOADERS = frozenset({"submit", "work"})
QUOTA = 10 << 30  # bytes of files that the jobs of one token may have
PIN_SECONDS = 3_600.0  # an uploaded content that nothing names waits so long
UPLOAD_SECONDS = 86_400.0  # an upload to which nothing is added
MAX_UPLOADS = 64  # of a token that were begun or gone on with in the last hour, and are not finished
NAMING_SECONDS = 60.0  # what is named now is still there when that is committed
SWEEP_SECONDS = 3_600.0  # between two sweeps
FIRST_SWEEP_SECONDS = 60.0


class Pin(Struct):
    """A content that is not to be removed, and who has uploaded it until when, monotonic seconds."""

    blob: Blob
    owners: dict[str, float] = {}


class OnItsWay(Struct):
    """An upload that was begun or gone on with in this run. `seen_at` is monotonic seconds."""

    owner: str
    received: int
    seen_at: float


class Files:
    """One hall's. Every call names the session that asks; another token's uploads are not found."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self.quota: int | None = QUOTA
        self._pins: dict[str, Pin] = {}
        self._coming: Counter[str] = Counter()  # contents that are being published
        self._uploads: dict[str, OnItsWay] = {}
        self._to_remove: list[str] = []
        self._removing: asyncio.Task[None] | None = None
        self._sweeping: asyncio.Task[None] | None = None
        if hall.blobs is not None:
            hall.core.alarm(hall.core.now.mono + FIRST_SWEEP_SECONDS, self._sweep_later)

    @property
    def _blobs(self) -> Blobs:
        if self._hall.blobs is None:
            raise Unavailable("this hall keeps no files")
        return self._hall.blobs

    def stop(self) -> None:
        """The hall ends: what is left to remove is an orphan, for the next run."""
        for task in (self._removing, self._sweeping):
            if task is not None:
                task.cancel()

    # Up.

    async def begin(self, session: Session, size: int | None = None, sha256: str | None = None) -> Upload:
        """A new upload. Raises Forbidden, TooLarge, StorageFull, Busy, BadRequest."""
        _check_may(session)
        _check_size(size or 0)
        if sha256 is not None:
            check_digest(sha256)
        if self._hall.store.is_full:
            raise StorageFull()
        since = self._hall.core.now.mono - SWEEP_SECONDS
        if sum(one.owner == session.owner and one.seen_at > since for one in self._uploads.values()) >= MAX_UPLOADS:
            raise Busy(f"{MAX_UPLOADS} uploads of {session.owner!r} are on their way: finish or abandon some first")
        self._check_room(session.owner, size or 0)
        return self._seen(await self._blobs.begin(session.owner, size, sha256))

    def _seen(self, upload: Upload) -> Upload:
        self._uploads[upload.id] = OnItsWay(upload.owner, upload.received, self._hall.core.now.mono)
        return upload

    def _check_room(self, owner: str, size: int) -> None:
        """What no job names yet is bounded, too: contents, and what has come of uploads."""
        if self.quota is None:
            return
        waiting = sum(pin.blob.bytes for pin in self._pins.values() if owner in pin.owners)
        waiting += sum(one.received for one in self._uploads.values() if one.owner == owner)
        if waiting + size > self.quota:
            raise TooLarge(
                f"{waiting} bytes that {owner!r} has uploaded are in no job yet, {waiting + size} with this: at most"
                f" {self.quota} are kept for a token (--files-quota); give them to jobs first"
            )

    async def received(self, session: Session, upload: str) -> Upload:
        """How far an upload has come, also one of an earlier run of the hall. Raises NotFound."""
        _check_may(session)
        found = await self._blobs.received(upload)
        if found.owner != session.owner:
            raise NotFound(f"there is no upload {upload} of yours")
        return self._seen(found)

    async def write(self, session: Session, upload: str, offset: int, data: bytes) -> Upload:
        """At most MAX_PIECE bytes more. Raises WrongState when `offset` is not where it ends."""
        await self._check_owner(session, upload)
        _check_size(offset + len(data))
        self._check_room(session.owner, len(data))
        with _Stopping(self._hall):
            return self._seen(await self._blobs.write(upload, offset, data))

    async def finish(self, session: Session, upload: str) -> Blob:
        """All was sent: from now on this token may give the content to its jobs, for an hour. Raises BadRequest when it
        is not as declared."""
        await self._check_owner(session, upload)
        with _Stopping(self._hall):
            blob = await self._blobs.seal(upload)
            self._coming[blob.sha256] += 1
            try:
                await self._blobs.publish(upload)
                self._pin(blob, session.owner)  # not before: what did not come must not be named
            finally:
                self._coming -= Counter([blob.sha256])
        self._uploads.pop(upload, None)
        return blob

    async def abandon(self, session: Session, upload: str) -> None:
        """Nothing more comes."""
        await self._check_owner(session, upload)
        self._uploads.pop(upload, None)
        await self._blobs.remove(upload)

    async def _check_owner(self, session: Session, upload: str) -> None:
        known = self._uploads.get(upload)
        if known is None or known.owner != session.owner:
            await self.received(session, upload)

    # Down.

    async def read(self, sha256: str, offset: int, count: int) -> bytes:
        """A piece of a content, for who has learnt its digest from a job that he may see."""
        return await self._blobs.read(sha256, offset, count)

    # Pins.

    def filed(self, session: Session, sha256s: Iterable[str]) -> Filed:
        """Which of these contents this session may give to jobs, as far as that is known here."""
        owner, soon = session.owner, self._hall.core.now.mono + NAMING_SECONDS
        pins = {sha256: self._pins[sha256] for sha256 in sha256s if sha256 in self._pins}
        known = {sha256: pin.blob for sha256, pin in pins.items() if owner in pin.owners}
        for sha256, blob in known.items():
            if pins[sha256].owners[owner] < soon:  # not to be removed before the commit that names it
                self._pin(blob, owner, NAMING_SECONDS)
        return Filed(owner, known, session.scope("read"), self.quota)

    def _pin(self, blob: Blob, owner: str, seconds: float = PIN_SECONDS) -> None:
        until = self._hall.core.now.mono + seconds
        self._pins.setdefault(blob.sha256, Pin(blob)).owners[owner] = until
        self._hall.core.alarm(until, partial(self._unpin, blob.sha256, owner))

    def _unpin(self, sha256: str, owner: str) -> None:
        """Its hour is over, unless he has uploaded it again."""
        pin = self._pins.get(sha256)
        if pin is not None and pin.owners.get(owner, 0.0) <= self._hall.core.now.mono:
            self._let_go(sha256, owner)
            self._remove_later([sha256])

    def _let_go(self, sha256: str, owner: str) -> None:
        pin = self._pins.get(sha256)
        if pin is not None:
            pin.owners.pop(owner, None)
            if not pin.owners:
                del self._pins[sha256]

    # Away.

    def settled(self, batch: Batch) -> None:
        """What a job has needs no pin any more: who sees that job may name it again. What was dropped is removed."""
        for attach in batch.files:
            if attach.blob is not None and attach.sha256 is not None:
                self._let_go(attach.sha256, attach.filed.owner)
        for submit in batch.submits:
            if submit.filed is not None and submit.ids and submit.filed.known:
                for sha256 in submit.filed.known:
                    self._let_go(sha256, submit.filed.owner)
                self._remove_later(submit.filed.known)  # of duplicates, which have their own
        if batch.dropped:
            self._remove_later(batch.dropped)

    def _remove_later(self, sha256s: Iterable[str]) -> None:
        self._to_remove += sha256s
        if self._removing is None or self._removing.done():
            self._removing = asyncio.get_running_loop().create_task(_in_background(self._remove_all()))

    async def _remove_all(self) -> None:
        with _Stopping(self._hall):
            while self._to_remove:
                await self._remove(self._to_remove.pop())

    async def _remove(self, sha256: str) -> None:
        """Between the store's answer, the look at the pins and the call there is no turn of the loop: whoever publishes
        this content meanwhile has said so before, or has his turn behind this."""
        unnamed = await self._hall.store.read(Unnamed([sha256]))
        if unnamed and sha256 not in self._pins and sha256 not in self._coming:
            await self._blobs.remove(sha256)

    # The sweep.

    def _sweep_later(self) -> None:
        core = self._hall.core
        core.alarm(core.now.mono + SWEEP_SECONDS, self._sweep_later)
        if self._sweeping is None or self._sweeping.done():
            self._sweeping = asyncio.get_running_loop().create_task(_in_background(self.sweep()))

    async def sweep(self) -> None:
        """Take away uploads that nobody goes on with, and what a crash has left without a name."""
        now, gone = self._hall.core.now.wall_ms, self._hall.core.now.mono - UPLOAD_SECONDS
        self._uploads = {name: one for name, one in self._uploads.items() if one.seen_at > gone}
        with _Stopping(self._hall):
            for part in range(PARTS):
                uploads, blobs = now - round(UPLOAD_SECONDS * 1000), now - round(PIN_SECONDS * 1000)
                old = await self._blobs.sweep(part, uploads, blobs)
                for sha256 in await self._hall.store.read(Unnamed(old)) if old else []:
                    await self._remove(sha256)


def _check_may(session: Session) -> None:
    if not session.may(*UPLOADERS):
        raise Forbidden("this needs the role submit or work; the token does not have it")


def _check_size(size: int) -> None:
    if size > MAX_FILE:
        raise TooLarge(f"a file of {size} bytes: at most {MAX_FILE} are accepted; cut it into several")


class _Stopping:
    """What failed on the disk stops the hall, as in the store; the caller hears it, too."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, StoreBroken):
            self._hall.fail(error)


async def _in_background(work: Awaitable[None]) -> None:
    """Nobody hears what goes wrong here: the next sweep tries again."""
    try:
        await work
    except HallError as exc:
        log.warning("files that no job names stay for now: %s", exc.message)
