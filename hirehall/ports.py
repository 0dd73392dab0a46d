"""The seams. Each is small, and each has one conformance suite that every implementation runs."""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from hirehall.core.operations import Batch, Recovered
from hirehall.model import EVERYTHING, MAX_MESSAGE, Scope, State, StoredJob


class ByIds(Struct, frozen=True):
    """Read these jobs, as far as they are within `scope`. Raises TooLarge when payloads and results together
    take more than `max_bytes`; a single job always fits. Without `bodies` they are left out."""

    ids: list[int]
    scope: Scope = EVERYTHING
    max_bytes: int = 2 * MAX_MESSAGE
    bodies: bool = True


class Page(Struct, frozen=True):
    """Read at most `limit` jobs older than `before`, the newest first, without payloads and results; None means any."""

    limit: int
    before: int | None = None
    queue: str | None = None
    kind: str | None = None
    state: State | None = None


Query = ByIds | Page


class Store(Protocol):
    """Where jobs are kept. Every call may raise StoreBroken; after that only `close` is allowed."""

    durability: str  # what a returned `apply` has survived: "fsync" or "none"

    async def open(self) -> None:
        """Make ready to use; raise HallError with a remedy when that cannot be."""

    async def recover(self) -> Recovered:
        """What a hall must hold in hand when it starts."""

    async def apply(self, batch: Batch) -> None:
        """Carry out `batch` in one transaction and fill its answers. Durable when it returns. Raises StorageFull,
        having done nothing, when the disk is full."""

    async def read(self, query: Query) -> list[StoredJob]:
        """The jobs of `query`, as the last durable commit left them."""

    async def close(self) -> None:
        """Let go of everything; nothing that was applied is lost."""


class Connection(Protocol):
    """A door's end of a session. Calls never block; bytes go out in the order of the calls."""

    def send(self, data: bytes) -> None:
        """Write `data`, complete messages, as soon as the peer takes them."""

    def close(self) -> None:
        """Close once everything sent is written."""

    def pause(self) -> None:
        """Read nothing more until `resume`."""

    def resume(self) -> None:
        """Read on."""


class Door(Protocol):
    """A way in."""

    async def open(self) -> str:
        """Begin to listen; the answer is the address that clients use. Raises HallError with a remedy."""

    async def close(self) -> None:
        """Stop listening and close every connection."""
