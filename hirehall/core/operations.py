"""What the core asks of a store, one batch at a time, and what a store answers.

Every operation carries its own `answer` field, filled by the store. Within a batch: settings, submits, changes, notes
and logs, files, the sweep, gates, claims; a job or a key is in at most one operation, so within each group the order
does not matter; tokens change in the order in which that was asked for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from hirehall.core.lifecycle import Step
from hirehall.errors import HallError
from hirehall.model import (
    EVERYTHING,
    KEEP_SECONDS,
    MAX_ATTEMPTS,
    Blob,
    Direction,
    Instant,
    JobSpec,
    LaneKey,
    QueueSettings,
    Scope,
    State,
    StoredToken,
)

MAX_OPERATIONS = 5_000
MAX_BYTES = 8 << 20
SWEEP_JOBS = 1_000
MAX_CHUNK = 64 << 10  # bytes of a log that are written at once
NOT_KEPT = -1  # where a chunk begins that was not stored

Body = bytes | Raw  # JSON, as it came

# How a store answers a change.
APPLIED = "applied"
DUPLICATE = "duplicate"
STALE = "stale"
WRONG_STATE = "wrong_state"
NOT_FOUND = "not_found"
CONFLICT = "conflict"
DAMAGED = "damaged"
BUSY = "busy"


def lane_number(key: LaneKey) -> int:
    """A lane's number: 63 bits of a hash, so that nobody has to hand numbers out."""
    digest = hashlib.blake2b(msgspec.json.encode(key), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class NewJob(Struct, gc=False):
    """A job about to be stored. `state` is draft, scheduled, blocked, ready, or running when it was placed on `holder`
    at once. Jobs that differ in their `payload` only share a `spec`, whose own payload is that of the first."""

    id: int
    lane: int
    spec: JobSpec
    payload: Raw
    state: State
    owner: str
    rules: bytes | None  # JSON of model.Rules; None when all is default
    follow: int | None  # session number that wants to hear its end
    wake_at: int | None  # epoch milliseconds
    expires_at: int | None  # epoch milliseconds
    attempt: int = 0
    holder: str | None = None
    lease_seconds: float | None = None
    worker: str | None = None  # what people call the holder
    max_attempts: int = MAX_ATTEMPTS
    keep_ms: int = round(KEEP_SECONDS * 1000)
    after: tuple[int, ...] = ()  # jobs that must have succeeded
    is_gated: bool = False  # it may have to wait for other jobs: the store decides
    has_tags: bool = False
    became: State | None = None  # the answer, for a gated job: where the batch left it


class Filed(Struct, frozen=True):
    """Who names contents, and which. `known` are those that `owner` has uploaded, by sha256; others must be those of a
    job within `scope`. `quota`: how many bytes of files his jobs may have."""

    owner: str
    known: dict[str, Blob]
    scope: Scope
    quota: int | None


class Attach(Struct):
    """A file for a job: from its submitter while it is a draft, or from the worker `holder` of `attempt`. With no
    `sha256` the one of that name is taken from it. Answer: `blob`, or why it was `refused`."""

    job: int
    direction: Direction
    name: str
    sha256: str | None
    filed: Filed
    scope: Scope = EVERYTHING  # a draft outside it is not found
    attempt: int = 0
    holder: str = ""
    blob: Blob | None = None
    refused: HallError | None = None


class Submit(Struct):
    """One submit request, all or nothing. Answer: the ids in order, those that were there before, or the conflict."""

    jobs: list[NewJob]
    has_keys: bool = True
    ids: list[int] = []
    duplicates: dict[int, State] = {}
    closed: HallError | None = None  # why its queue takes nothing new; jobs whose key is known are not new
    filed: Filed | None = None  # some have files
    # the answer, beside `ids` and `duplicates`
    conflict: str | None = None  # the key in conflict: nothing of this submit was stored
    refused: HallError | None = None  # `closed`, or the store is full, and some were new: nothing was stored
    delivered: int = 0  # jobs that were placed on a worker at once; known when settled


class Edit(Struct, frozen=True):
    """What `change` sets; UNSET leaves it. `due` and `expires_at` in epoch milliseconds, None: now, and never."""

    queue: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    requires: str | UnsetType = UNSET  # canonical JSON
    share: str | UnsetType = UNSET
    due: int | UnsetType | None = UNSET
    expires_at: int | UnsetType | None = UNSET
    timeout_seconds: float | UnsetType | None = UNSET
    max_attempts: int | UnsetType = UNSET
    keep_ms: int | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    meta: dict[str, str] | UnsetType = UNSET

    @property
    def is_label(self) -> bool:
        """Whether it touches nothing that a job's run depends on, so that any job may take it."""
        rest = (self.queue, self.priority, self.requires, self.share, self.due, self.expires_at)
        return all(value is UNSET for value in (*rest, self.timeout_seconds, self.max_attempts))


class Change(Struct, gc=False):
    """One step of one job. `attempt` and `holder`, when given, must be the row's own. With `results` it is the success
    of the job and of those whose ids follow, which are alike in all but these: their leases are in hand."""

    step: Step
    id: int
    target: State | None  # None: removed. A store may lead a gated job to `blocked` instead
    attempt: int | None = None
    holder: str | None = None
    in_hand: bool = False  # the core holds the open lease, so the row is running: a store may skip looking
    lane: int = 0  # known when in_hand
    wake_at: int | None = None  # epoch milliseconds, for a target that waits
    place_last: bool = False  # back to the end of its lane
    result: Body | None = None
    results: list[Body] | None = None
    fault: bytes | None = None
    progress: bytes | None = None
    lease_seconds: float | None = None
    scope: Scope = EVERYTHING  # a job outside it is not found
    edit: Edit | None = None
    since: float = 0.0  # monotonic seconds: when the attempt that it ends was handed out; 0: not known
    # the answer
    answer: str = NOT_FOUND
    apart: list[Change] | None = None  # one for each of `results`, judged by itself; then these have the answers
    why: str = ""  # of a conflict
    kind: str = ""  # known when in_hand, else answered
    queue: str = ""
    was: State | None = None
    row: Claimed | None = None  # after `resume`: the job, to be held again
    follow: int | None = None
    row_attempt: int = 0
    row_lane: int = 0
    new_lane: int = 0  # where `change` moved it

    @property
    def each(self) -> Sequence[Change]:
        """For every job that it is about, the change with its answer."""
        return self.apart or [self] * self.jobs

    @property
    def jobs(self) -> int:
        """How many it is about."""
        return 1 if self.results is None else len(self.results)

    def take_apart(self) -> list[Change]:
        """Let each job be judged by itself."""
        if self.results is None:
            return [self]
        self.answer = NOT_FOUND  # what a transaction that was taken back has said counts no more
        self.apart = [
            Change(
                self.step, job, self.target, self.attempt, self.holder, self.in_hand, self.lane, result=result,
                progress=self.progress,
            )
            for job, result in enumerate(self.results, self.id)
        ]  # fmt: skip
        return self.apart


class Commit(Change):
    """A draft that may run now. `gated` is the answer, for one that may have to wait: `became` says where it ended."""

    gated: NewJob | None = None


class Seat(Struct, gc=False):
    """One place of one worker, waiting for one job."""

    holder: str
    lease_seconds: float
    worker: str = ""  # what people call the holder


class Claim(Struct):
    """The next ready jobs of one lane, the first for the first seat. Answer: as many rows as there were jobs."""

    lane: int
    seats: list[Seat]
    rows: list[Claimed] = []


class Claimed(Struct, gc=False):
    """What a hall must know of a job to have it run."""

    id: int
    lane: int
    kind: str
    queue: str
    payload: bytes
    attempt: int
    forgiven: int
    max_attempts: int
    follow: int | None
    rules: bytes | None
    holder: str
    lease_seconds: float


class ProgressNote(Struct, gc=False):
    """The last progress of a running attempt, to be kept with the row."""

    id: int
    attempt: int
    progress: bytes


class LogChunk(Struct, gc=False):
    """Lines of an attempt's log since the last chunk: JSON of wire LogEntry each, joined by newlines, at most MAX_CHUNK
    bytes. Answer: `at_byte`, where it begins; NOT_KEPT when the store is full."""

    id: int
    attempt: int
    entries: bytes
    at_byte: int = 0


class TokenChange(Struct):
    """Create `token`, or revoke the one of that name when there is none here. Answer: applied; duplicate when the name
    is taken; not_found."""

    name: str
    token: StoredToken | None = None
    answer: str = NOT_FOUND


class Moved(Struct, gc=False):
    """A job that the sweep or its gates moved: due, unblocked, expired, cancelled, or removed (`state` None)."""

    id: int
    lane: int
    was: State
    state: State | None
    follow: int | None
    kind: str
    queue: str
    attempt: int
    fault: bytes | None = None


class QueueChange(Struct):
    """New settings of a queue, whole."""

    name: str
    settings: QueueSettings
    raises_locks: bool = False  # more jobs of a lock may go than before


class Batch(Struct):
    """Everything that one loop turn caused, for one transaction."""

    now: Instant
    lanes: dict[int, LaneKey] = {}
    submits: list[Submit] = []
    changes: list[Change] = []
    notes: list[ProgressNote] = []
    logs: list[LogChunk] = []
    queues: list[QueueChange] = []
    lock_limits: dict[str, int] = {}  # queues where more than one job of a lock may go
    waiting_room: dict[str, int] = {}  # in queues that limit who waits: how many more drafts may be committed
    tokens: list[TokenChange] = []
    files: list[Attach] = []
    sweep: bool = False
    claims: list[Claim] = []
    claim_bytes: int = 1 << 20  # payload bytes that one seat's worker may get in this batch
    size: int = 0  # operations
    bytes: int = 0
    touched: set[int | tuple[str, str]] = set()
    # the answer
    moved: list[Moved] = []
    sweep_again: bool = False
    dropped: list[str] = []  # contents, by sha256, that no file names any more
    aside: list[int] = []  # lanes of ready jobs that cannot be read any more: one entry each
    next_wake: int | None = None  # epoch milliseconds of the earliest stored time

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing for a store to do."""
        is_wanted = self.submits or self.changes or self.claims or self.notes or self.logs or self.queues or self.tokens
        return not (is_wanted or self.sweep or self.files)

    def take_apart(self) -> None:
        """Let each job of its changes be judged by itself."""
        self.changes = [one for change in self.changes for one in change.take_apart()]

    def forget_answers(self) -> None:
        """A store that could not finish begins anew: what it adds to, or may leave alone, is as it came."""
        self.moved, self.sweep_again, self.dropped = [], False, []
        for attach in self.files:
            attach.blob = attach.refused = None
        for submit in self.submits:
            submit.ids, submit.duplicates, submit.conflict, submit.refused = [], {}, None, None
            for job in submit.jobs:
                job.became = None


class Recovered(Struct):
    """What a hall reads from its store when it starts."""

    database: int  # 0 to 1023, part of every id
    last_id: int
    lanes: list[tuple[int, LaneKey, int]]  # number, key, ready jobs
    running: list[Claimed]
    next_wake: int | None
    queues: dict[str, QueueSettings] = {}
    tokens: list[StoredToken] = []
