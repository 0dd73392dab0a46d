"""Every message of PROTOCOL section 1 as a struct: what a request may hold is said here and nowhere else.

A request struct's tag is its `cmd`. Adding a command starts with a struct in this file and ends with a row in
`service/commands.py`.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw, Struct, UnsetType

from hirehall.model import NULL, JobSpec, Labels, Offers, PartialSpec

NO_REF = Raw(b"")


class Request(Struct, kw_only=True, tag_field="cmd", forbid_unknown_fields=True):
    """A line from a client or a worker. `ref` is any JSON scalar; the reply repeats it."""

    ref: Raw = NO_REF


class Hello(Request, kw_only=True, tag="hello"):
    protocol: int = 1
    token: str | None = None
    name: str = ""
    worker: str = ""


class Bye(Request, kw_only=True, tag="bye"): ...


class Ping(Request, kw_only=True, tag="ping"): ...


class Submit(JobSpec, kw_only=True, tag_field="cmd", tag="submit", forbid_unknown_fields=True):
    ref: Raw = NO_REF
    jobs: list[PartialSpec] | UnsetType = UNSET


class Get(Request, kw_only=True, tag="get"):
    ids: list[str]


class Wait(Request, kw_only=True, tag="wait"):
    ids: list[str]
    timeout_seconds: float | None = None


class Cancel(Request, kw_only=True, tag="cancel"):
    ids: list[str] = []
    id: str | None = None


class Find(Request, kw_only=True, tag="find"):
    queue: str | None = None
    kind: str | None = None
    state: str | None = None
    limit: int = 100
    before: str | None = None


class Can(Request, kw_only=True, tag="can"):
    kind: str
    queue: str = "default"
    requires: Labels | None = None


class Kinds(Request, kw_only=True, tag="kinds"): ...


class Work(Request, kw_only=True, tag="work"):
    queues: tuple[str, ...] = ("default",)
    kinds: tuple[str, ...]
    offers: Offers = {}
    credit: int = 1
    lease_seconds: float = 30.0


class Credit(Request, kw_only=True, tag="credit"):
    credit: int


class Progress(Request, kw_only=True, tag="progress"):
    id: str
    attempt: int
    percent: float | None = None
    text: str = ""


class DoneJob(Struct, forbid_unknown_fields=True):
    id: str
    attempt: int
    result: Raw = NULL


class Done(Request, kw_only=True, tag="done"):
    id: str = ""
    attempt: int = 0
    result: Raw = NULL
    jobs: list[DoneJob] | UnsetType = UNSET


class WireFault(Struct, frozen=True, forbid_unknown_fields=True):
    type: str = "Error"
    message: str = ""
    trace: str = ""


class Fail(Request, kw_only=True, tag="fail"):
    id: str
    attempt: int
    error: WireFault = WireFault()
    retry: bool = True
    delay_seconds: float | None = None


class Release(Request, kw_only=True, tag="release"):
    id: str
    attempt: int
    delay_seconds: float = 0.0


class Beat(Request, kw_only=True, tag="beat"): ...


class KeptJob(Struct, forbid_unknown_fields=True):
    id: str
    attempt: int


class Keep(Request, kw_only=True, tag="keep"):
    jobs: list[KeptJob]


class Metrics(Struct, kw_only=True, tag_field="cmd", tag="metrics"):
    """Ours and Deputy's: before `hello` it is answered in Deputy's shape."""

    ref: Raw = NO_REF


class CanDo(Struct, kw_only=True, tag_field="cmd", tag="can_do"):
    """Deputy: this session can do these types, one job at a time."""

    types: list[str]
    ref: Raw = NO_REF


class Do(Struct, kw_only=True, tag_field="cmd", tag="do"):
    """Deputy: a job; `id` is the client's own and lives in its session."""

    id: Raw = NULL
    type: str
    arg: Raw | UnsetType = UNSET
    ref: Raw = NO_REF


class Did(Struct, kw_only=True, tag_field="cmd", tag="did"):
    """Deputy: the result of the job in this worker's hand."""

    id: Raw
    res: Raw = NULL
    ref: Raw = NO_REF


AnyRequest = (
    Hello
    | Bye
    | Ping
    | Submit
    | Get
    | Wait
    | Cancel
    | Find
    | Can
    | Kinds
    | Work
    | Credit
    | Progress
    | Done
    | Fail
    | Release
    | Beat
    | Keep
    | Metrics
    | CanDo
    | Do
    | Did
)


# What a hall sends. A reply repeats the request's `ref`; fields left UNSET are not sent.


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
    files: list[Any] = []


class RunPush(Struct):
    run: list[Delivery]


class Ended(Struct, gc=False):
    """One job inside an `end` push."""

    id: str
    state: str
    result: Raw = NULL
    error: Raw = NULL


class EndPush(Struct):
    end: list[Ended]


class Stop(Struct):
    """Inside a `stop` push: end this attempt. `why` is cancelled, timeout, lost or draining."""

    id: str
    attempt: int
    why: str


class StopPush(Struct):
    stop: Stop


class JobView(Struct, kw_only=True):
    """A job as `get`, `wait` and `find` show it. Times are RFC 3339 in UTC."""

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
    payload: Raw
    result: Raw
    error: Raw
    progress: Raw
    history: Raw
    worker: str | None
    meta: dict[str, str]
    created_at: str
    run_at: str | None
    expires_at: str | None
    started_at: str | None
    finished_at: str | None
