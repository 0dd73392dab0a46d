"""What a hall sends. A reply repeats the request's `ref`; fields left UNSET are not sent."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from hirehall.model import NULL, Backoff, InputFile, Offers


class Reply(Struct, kw_only=True):
    ok: bool = True
    ref: Raw | UnsetType = UNSET


class Greeting(Reply, kw_only=True):
    server: str
    hall: str
    protocol: int
    lease_seconds: float
    beat_seconds: float
    durability: str
    http: str | None  # where files are, and people look


class Submitted(Reply, kw_only=True):
    id: str
    state: str
    duplicate: bool | UnsetType = UNSET


class SubmittedMany(Reply, kw_only=True):
    ids: list[str]
    duplicates: list[str]


class Jobs(Reply, kw_only=True):
    jobs: list[JobView]
    missing: list[str] | UnsetType = UNSET
    pending: list[str] | UnsetType = UNSET
    next: str | UnsetType | None = UNSET
    looked_back_to: str | UnsetType = UNSET  # the search ran out of time here; `next` goes on


class TaskView(Struct):
    """A command with `where` on its way. `state` is running, done or stopped; then `ended_at` says since when."""

    id: str
    action: str
    state: str
    looked: int
    done: int
    refused: int
    ended_at: str | UnsetType = UNSET


class TaskReply(Reply, kw_only=True):
    task: TaskView


class TasksReply(Reply, kw_only=True):
    tasks: list[TaskView]


class TaskPush(Struct):
    task: TaskView


class Watching(Reply, kw_only=True):
    """`gap`: events since `since` are missing; read again what you know."""

    seq: str
    gap: bool | UnsetType = UNSET


class EventPush(Struct, kw_only=True):
    """Something that happened: a step of a job, `submit`, `progress`, a `queue` that was set, a worker's `join` or
    `leave`, `gap` (what came before is missing), `shutdown`. `seq` is the `since` that goes on behind it."""

    event: str
    seq: str
    at: str
    id: str | UnsetType = UNSET
    kind: str | UnsetType = UNSET
    queue: str | UnsetType = UNSET
    attempt: int | UnsetType = UNSET
    state: str | UnsetType = UNSET
    worker: str | UnsetType = UNSET
    percent: float | UnsetType | None = UNSET
    text: str | UnsetType = UNSET


class CountView(Struct):
    queue: str
    kind: str
    state: str
    jobs: int


class CountsReply(Reply, kw_only=True):
    counts: list[CountView]


class QueueView(Struct, kw_only=True):
    """A queue's settings (null: the default) and what is in it."""

    queue: str
    state: str
    max_running: int | None
    max_per_second: float | None
    max_waiting: int | None
    lock_limit: int
    max_attempts: int
    backoff: Backoff
    keep_seconds: float
    jobs: dict[str, int]  # by state
    workers: int
    oldest_waiting_at: str | None


class QueuesReply(Reply, kw_only=True):
    queues: list[QueueView]


class QueueReply(Reply, kw_only=True):
    queue: QueueView


class WorkerView(Struct, kw_only=True):
    worker: str  # the word it goes by; what `worker` takes
    name: str
    token: str
    connected: bool
    state: str  # working, paused, draining, stopping
    queues: list[str]
    kinds: list[str]
    offers: Offers
    credit: int
    running: list[str]
    lease_seconds: float
    silent_seconds: float
    concurrency: int | UnsetType = UNSET  # how many jobs it runs at once, where it holds more than that

    @property
    def slots(self) -> int:
        """How many jobs it runs at once."""
        return self.credit if self.concurrency is UNSET else self.concurrency


class WorkersReply(Reply, kw_only=True):
    workers: list[WorkerView]


class Explained(Reply, kw_only=True):
    id: str
    state: str
    why: list[str]


class LogEntry(Struct):
    at: str
    stream: str
    text: str


class LogPart(Struct, kw_only=True):
    """Part of an attempt's log; `next` is the offset behind it, `ended` that nothing more will come."""

    id: str
    attempt: int
    entries: list[Raw]  # of LogEntry
    next: int
    ended: bool


class LogReply(Reply, kw_only=True):
    log: LogPart


class LogPush(Struct):
    log: LogPart


class TokenView(Struct, kw_only=True):
    name: str
    roles: list[str]
    queues: list[str] | None
    kinds: list[str] | None
    created_at: str
    expires_at: str | None


class TokenCreated(Reply, kw_only=True):
    """The only time that `token` is told."""

    token: str
    name: str


class TokensReply(Reply, kw_only=True):
    tokens: list[TokenView]


class Refusal(Struct):
    id: str
    code: str


class Judged(Reply, kw_only=True):
    """What became of answers about jobs; `refused` only for requests that name several."""

    duplicate: bool | UnsetType = UNSET
    refused: list[Refusal] | UnsetType = UNSET


class Kept(Reply, kw_only=True):
    kept: list[str]
    lost: list[str]


class Beaten(Reply, kw_only=True):
    """After a beat that named jobs: those that the worker does not hold any more."""

    lost: list[str]
    stop: list[Stop] | UnsetType = UNSET  # told where the worker hears no pushes


class LinkReply(Reply, kw_only=True):
    """The only time that `link` is told. It works once, within `expires_in_seconds`."""

    link: str
    expires_in_seconds: float


class CanReply(Reply, kw_only=True):
    can: bool
    workers: int


class KindOffer(Struct):
    kind: str
    queues: list[str]
    workers: int
    offers: list[Offers]


class KindsReply(Reply, kw_only=True):
    kinds: list[KindOffer]


class MetricsReply(Reply, kw_only=True):
    metrics: dict[str, Any]


class ErrorBody(Struct):
    code: str
    message: str


class ErrorReply(Struct, kw_only=True):
    error: ErrorBody
    ref: Raw | UnsetType = UNSET


class Delivery(Struct, gc=False):
    """One job inside a `run` push."""

    id: str
    attempt: int
    kind: str
    queue: str
    payload: Raw
    lease_seconds: float
    timeout_seconds: float | None = None
    meta: dict[str, str] = {}
    files: list[InputFile] = []
    once: bool | UnsetType = UNSET  # it may be started once, and must not wait in a hand that may die


class RunPush(Struct):
    run: list[Delivery]


class Ended(Struct, gc=False):
    """One job inside an `end` push."""

    id: str
    state: str
    result: Raw = NULL
    error: Raw = NULL


class Claimed(Reply, kw_only=True):
    """What a claim got, and what this worker shall stop."""

    run: list[Delivery]
    stop: list[Stop]


class EndPush(Struct):
    end: list[Ended]


class Stop(Struct):
    """Inside a `stop` push: end this attempt. `why` is cancelled, timeout, lost or draining. An empty `id` means the
    worker itself: finish what is in hand and leave (draining), or give it back and leave at once (stop). Who does not
    work hears the end of the hall (shutdown)."""

    id: str
    attempt: int
    why: str


class StopPush(Struct):
    stop: Stop


class WorkerSetting(Struct):
    """What a worker is asked to set on itself."""

    credit: int


class SetPush(Struct):
    set: WorkerSetting


class FileView(Struct):
    """A file of a job. `direction` is in or out; out is shown when its attempt has succeeded."""

    direction: str
    name: str
    sha256: str
    md5: str
    bytes: int


class JobView(Struct, kw_only=True):
    """A job as `get`, `wait` and `find` show it; `find` leaves out what can be large. Times are RFC 3339 in UTC.
    `started_at` is when its latest attempt began, `owner` the token that submitted it."""

    id: str
    kind: str
    queue: str
    state: str
    attempt: int
    max_attempts: int
    forgiven: int
    priority: int
    share: str
    requires: Raw
    key: str | None
    payload: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    error: Raw
    progress: Raw
    history: Raw | UnsetType = UNSET
    worker: str | None
    meta: dict[str, str]
    files: list[FileView] | UnsetType = UNSET
    tags: list[str]
    lock: str | None
    after: list[str]
    created_at: str
    run_at: str | None
    expires_at: str | None
    started_at: str | None
    finished_at: str | None
    owner: str
    timeout_seconds: float | None
    backoff: Backoff
    keep_seconds: float
