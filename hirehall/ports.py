"""The seams. Each is small, and each has one conformance suite that every implementation runs."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from hirehall.core.operations import Batch, Recovered
from hirehall.errors import BadRequest, WrongState
from hirehall.model import EVERYTHING, MAX_MESSAGE, Blob, Scope, State, StoredFile, StoredJob

T = TypeVar("T")


class Query(Struct, Generic[T], frozen=True):
    """What a store is asked; `T` is the type of its answer. Every answer is as the last durable commit left it."""


class ByIds(Query[list[StoredJob]], frozen=True):
    """Read these jobs, as far as they are within `scope`. Raises TooLarge when together they take more than
    `max_bytes`; a single job always fits. Without `bodies` all that can be large is left out: payload, result, fault,
    progress and history."""

    ids: list[int]
    scope: Scope = EVERYTHING
    max_bytes: int = 2 * MAX_MESSAGE
    bodies: bool = True


PAGE_BYTES = 1 << 20


class Found(Struct, frozen=True):
    """Jobs of a search. `next`, if there may be more, is the `before` that goes on; `looked_back_to` is set when the
    time was up first: every job with this id or a larger one has been looked at."""

    jobs: list[StoredJob]
    next: int | None
    looked_back_to: int | None


class Search(Query[Found], frozen=True):
    """Find at most `limit` jobs older than `before` of which everything given holds, the newest first, without
    payload, result and history; fewer when they take more than PAGE_BYTES. The times are of the submit, epoch
    milliseconds: at `created_after_ms` or later, and earlier than `created_before_ms`. `queues` are those that the
    asker may see; None is all. It takes `seconds` and a few milliseconds at most, unless others look before it, and
    gives the event loop its turn; one after the other."""

    limit: int
    before: int | None = None
    queue: str | None = None
    kind: str | None = None
    state: State | None = None
    tag: str | None = None
    key: str | None = None
    worker: str | None = None
    created_after_ms: int | None = None
    created_before_ms: int | None = None
    queues: frozenset[str] | None = None
    seconds: float = 0.06  # so that a whole answer takes less than a tenth


class Count(Struct, frozen=True):
    """How many jobs of this queue and kind are in this state; never 0."""

    queue: str
    kind: str
    state: State
    jobs: int


class Counts(Query[list[Count]], frozen=True):
    """The numbers by queue, kind and state, in that order. `queues` are those that the asker may see; None is all."""

    queue: str | None = None
    kind: str | None = None
    queues: frozenset[str] | None = None


class OldestOf(Query[dict[int, int]], frozen=True):
    """Of each of these lanes that has ready jobs, when the one whose turn is next was submitted, epoch milliseconds."""

    lanes: tuple[int, ...]


class OldestReady(Query[dict[str, int]], frozen=True):
    """When the oldest ready job of each queue was submitted, epoch milliseconds; queues without one are left out."""


class Sizes(Struct, frozen=True):
    """Bytes that a store takes on its disk, and what is free there; all but the first are 0 in memory."""

    database: int
    log: int = 0
    ballast: int = 0
    free: int = 0


class Footprint(Query[Sizes], frozen=True):
    """What the store takes on its disk."""


Relation = tuple[int, State | None, bool]  # a job, its state (None when it is gone), whether the asker may see it


class Parents(Query[list[Relation]], frozen=True):
    """The jobs that `job` names in `after`, in its order, and whether each is within `scope` or gone; none when it
    does not exist."""

    job: int
    scope: Scope = EVERYTHING


class LockHolders(Query[list[tuple[int, bool]]], frozen=True):
    """The jobs that hold a place of this lock, by priority and id, and whether each is within `scope`."""

    queue: str
    lock: str
    scope: Scope = EVERYTHING


class FilesOf(Query[list[StoredFile] | None], frozen=True):
    """The files of `job` that are shown; None when it does not exist within `scope`."""

    job: int
    scope: Scope = EVERYTHING


class Unnamed(Query[list[str]], frozen=True):
    """Those of these contents that no file names."""

    sha256s: list[str]


class LogText(Struct, frozen=True):
    """Part of an attempt's log: its entries, each a JSON object as bytes, and the offset behind them."""

    attempt: int
    entries: list[bytes]
    next: int
    latest: int  # the job's latest attempt; 0 when it has had none, or does not exist


class LogRead(Query[LogText], frozen=True):
    """The log of `attempt`, the latest one's by default, from the chunk in which byte `offset` lies, or the first one
    behind it. Chunks come whole: as many as fit in `max_bytes`, one at least."""

    job: int
    attempt: int | None = None
    offset: int = 0
    max_bytes: int = 1 << 18


class Store(Protocol):
    """Where jobs are kept. Every call may raise StoreBroken; after that only `close` is allowed."""

    durability: str  # what a returned `apply` has survived: "fsync" or "none"

    @property
    def syncs(self) -> tuple[int, float]:
        """How often it has waited for its disk since it was opened, and for how many seconds."""

    @property
    def is_damaged(self) -> bool:
        """Whether it has met bytes, since it was opened, that it did not write."""

    @property
    def is_full(self) -> bool:
        """Whether new jobs are refused for want of space."""

    async def open(self) -> None:
        """Make ready to use; raise HallError with a remedy when that cannot be."""

    async def recover(self) -> Recovered:
        """What a hall must hold in hand when it starts."""

    async def apply(self, batch: Batch) -> None:
        """Carry out `batch` in one transaction and fill its answers. Durable when it returns. A store
        that is full refuses what is new, and keeps no logs, while everything else goes on; when not even that can be
        it raises StorageFull, having done nothing."""

    async def read(self, query: Query[T]) -> T:
        """The answer to `query`. It may wait for the batch under way: what that changes is durable or not yet seen."""

    async def close(self) -> None:
        """Let go of everything; nothing that was applied is lost."""


class Upload(Struct, frozen=True):
    """A content on its way. `size` and `sha256` (hex) are what its sender has declared."""

    id: str
    owner: str
    received: int  # bytes; what is sent next begins there
    size: int | None
    sha256: str | None

    def check_more(self, offset: int, count: int) -> None:
        """Raise WrongState, or BadRequest, when `count` bytes from `offset` on cannot come next."""
        if offset != self.received:
            raise WrongState(f"upload {self.id} has {self.received} bytes, not {offset}: go on from there")
        if self.size is not None and offset + count > self.size:
            raise BadRequest(f"upload {self.id} was declared with {self.size} bytes: this is more")


MAX_PIECE = 1 << 20  # bytes written or read at once
PARTS = 256  # of a sweep: names that begin with the same two digits


class Blobs(Protocol):
    """Where contents of files are kept, each once, named by its sha256. Calls raise NotFound for what is not there,
    StorageFull, Damaged for what cannot be read, and StoreBroken when nobody knows what was written."""

    async def begin(self, owner: str, size: int | None = None, sha256: str | None = None) -> Upload:
        """A new upload, which outlasts this run of the hall. `sha256` is one: the caller has looked."""

    async def received(self, upload: str) -> Upload:
        """How far an upload has come."""

    async def write(self, upload: str, offset: int, data: bytes) -> Upload:
        """Append at most MAX_PIECE bytes. Raises as `Upload.check_more`."""

    async def seal(self, upload: str) -> Blob:
        """Nothing more comes: what it is, now that it is on the disk; nobody can read it yet. Raises BadRequest when
        it is not as declared; with another digest it is gone then."""

    async def publish(self, upload: str) -> None:
        """Let a sealed upload be read as a blob from now on, also after a power cut."""

    async def read(self, sha256: str, offset: int, count: int) -> bytes:
        """At most `count` bytes (and MAX_PIECE) of a blob from `offset`; fewer only at its end."""

    async def remove(self, name: str) -> None:
        """Remove a blob by its sha256, or an upload by its id; it may be gone already. In turn with `publish`, in the
        order of the calls."""

    async def sweep(self, part: int, uploads_before_ms: int, blobs_before_ms: int) -> list[str]:
        """Of one of PARTS: remove the uploads to which nothing was added since then; the blobs that were published
        before the other time, epoch milliseconds."""


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
