"""What the core asks of a store, one batch at a time, and what a store answers.

Every operation carries its own `answer` field, filled by the store. Within a batch: settings, submits, changes, notes
and logs, the sweep, gates, claims; a job or a key is in at most one operation, so within each group the order does not
matter; tokens change in the order in which that was asked for.
"""

from __future__ import annotations

import hashlib

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from hirehall.core.lifecycle import Step
from hirehall.errors import HallError
from hirehall.model import (
    EVERYTHING,
    KEEP_SECONDS,
    MAX_ATTEMPTS,
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

# How a store answers a change.
APPLIED = "applied"
DUPLICATE = "duplicate"
STALE = "stale"
WRONG_STATE = "wrong_state"
NOT_FOUND = "not_found"
CONFLICT = "conflict"
DAMAGED = "damaged"


def lane_number(key: LaneKey) -> int:
    """A lane's number: 63 bits of a hash, so that nobody has to hand numbers out."""
    digest = hashlib.blake2b(msgspec.json.encode(key), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


class NewJob(Struct, gc=False):
    """A job about to be stored. `state` is scheduled, ready, or running when it was placed on `holder` at once. Jobs
    that differ in their `payload` only share a `spec`, whose own payload is that of the first."""

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


class Submit(Struct):
    """One submit request, all or nothing. Answer: the ids in order, those that were there before, or the conflict."""

    jobs: list[NewJob]
    has_keys: bool = True
    ids: list[int] = []
    duplicates: dict[int, State] = {}
    closed: HallError | None = None  # why its queue takes nothing new; jobs whose key is known are not new
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
    """One step of one job. `attempt` and `holder`, when given, must be the row's own."""

    step: Step
    id: int
    target: State | None  # None: removed. A store may lead a gated job to `blocked` instead
    attempt: int | None = None
    holder: str | None = None
    in_hand: bool = False  # the core holds the open lease, so the row is running: a store may skip looking
    lane: int = 0  # known when in_hand
    wake_at: int | None = None  # epoch milliseconds, for a target that waits
    place_last: bool = False  # back to the end of its lane
    result: bytes | None = None
    fault: bytes | None = None
    progress: bytes | None = None
    lease_seconds: float | None = None
    scope: Scope = EVERYTHING  # a job outside it is not found
    edit: Edit | None = None
    # the answer
    answer: str = NOT_FOUND
    why: str = ""  # of a conflict
    kind: str = ""  # known when in_hand, else answered
    queue: str = ""
    was: State | None = None
    row: Claimed | None = None  # after `resume`: the job, to be held again
    follow: int | None = None
    row_attempt: int = 0
    row_lane: int = 0
    new_lane: int = 0  # where `change` moved it


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
    tokens: list[TokenChange] = []
    sweep: bool = False
    claims: list[Claim] = []
    claim_bytes: int = 1 << 20  # payload bytes that one seat's worker may get in this batch
    size: int = 0  # operations
    bytes: int = 0
    touched: set[int | tuple[str, str]] = set()
    # the answer
    moved: list[Moved] = []
    sweep_again: bool = False
    aside: list[int] = []  # lanes of ready jobs that cannot be read any more: one entry each
    next_wake: int | None = None  # epoch milliseconds of the earliest stored time

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing for a store to do."""
        parts = (self.submits, self.changes, self.claims, self.notes, self.logs, self.queues, self.tokens)
        return not (self.sweep or any(parts))

    def forget_answers(self) -> None:
        """A store that could not finish begins anew: what it adds to, or may leave alone, is as it came."""
        self.moved, self.sweep_again = [], False
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
