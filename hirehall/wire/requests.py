"""Every request as a struct: what one may hold is said here and nowhere else.

A request struct's tag is its `cmd`. Adding a command starts with a struct in this file and ends with a row in
`service/commands.py`.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType, field

from hirehall.model import NULL, Backoff, JobSpec, Labels, Offers, PartialSpec

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


class Drafts(Request, kw_only=True):
    """Which drafts: `id`, or `ids`, judged one by one."""

    ids: list[str] = []
    id: str | None = None


class Commit(Drafts, kw_only=True, tag="commit"): ...


class Discard(Drafts, kw_only=True, tag="discard"): ...


class Get(Request, kw_only=True, tag="get"):
    ids: list[str]


class Wait(Request, kw_only=True, tag="wait"):
    ids: list[str]
    timeout_seconds: float | None = None


class Filter(Struct, kw_only=True, forbid_unknown_fields=True):
    """Which jobs: all that is given must hold. The times are of the submit."""

    queue: str | None = None
    kind: str | None = None
    state: str | None = None
    tag: str | None = None
    key: str | None = None
    worker: str | None = None
    created_after: str | float | None = None
    created_before: str | float | None = None


class Choice(Request, kw_only=True):
    """Which jobs a command is for: `id`, `ids` (judged one by one), or `where` (in steps, in the background)."""

    ids: list[str] = []
    id: str | None = None
    where: Filter | None = None


class Cancel(Choice, kw_only=True, tag="cancel"): ...


class Retry(Choice, kw_only=True, tag="retry"): ...


class Remove(Choice, kw_only=True, tag="remove"): ...


class Edit(Struct, kw_only=True, forbid_unknown_fields=True):
    """What `change` sets on jobs that have not begun. A `run_at` of null means now."""

    queue: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    requires: Labels | UnsetType | None = UNSET
    share: str | UnsetType = UNSET
    run_at: str | float | UnsetType | None = UNSET
    delay_seconds: float | UnsetType = UNSET
    expires_at: str | float | UnsetType | None = UNSET
    ttl_seconds: float | UnsetType = UNSET
    timeout_seconds: float | UnsetType | None = UNSET
    max_attempts: int | UnsetType = UNSET
    keep_seconds: float | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    meta: dict[str, str] | UnsetType = UNSET


class Change(Choice, kw_only=True, tag="change"):
    set: Edit


class Task(Request, kw_only=True, tag="task"):
    """How far a command with `where` has come; `stop` ends it after the step under way. Without an id: all of them."""

    id: str | None = None
    stop: bool = False


class Find(Filter, kw_only=True, tag_field="cmd", tag="find", forbid_unknown_fields=True):
    ref: Raw = NO_REF
    limit: int = 100
    before: str | None = None  # `next` of the page before


class Watch(Request, kw_only=True, tag="watch"):
    """Events from now on, or from `since`. Said again it replaces what was watched; `off` ends it."""

    since: str | None = None
    ids: list[str] | None = None
    queues: list[str] | None = None
    kinds: list[str] | None = None
    events: list[str] | None = None
    off: bool = False


class Counts(Request, kw_only=True, tag="counts"):
    queue: str | None = None
    kind: str | None = None


class Queues(Request, kw_only=True, tag="queues"): ...


class Overview(Request, kw_only=True, tag="overview"):
    """Everything at a glance: at most `limit` queues, and what came and went in each of the last 60 spans."""

    limit: int = 100
    span_seconds: int = 60


class Workers(Request, kw_only=True, tag="workers"): ...


class Explain(Request, kw_only=True, tag="explain"):
    id: str


class LogOf(Request, kw_only=True, tag="log_of"):
    """An attempt's log (the latest one's unless named) from `offset`, which `next` of an answer gave."""

    id: str
    attempt: int | None = None
    offset: int = 0
    follow: bool = False


class Queue(Request, kw_only=True, tag="queue"):
    """Read a queue's settings, or set those that are given; null sets the default again."""

    queue: str
    state: str | UnsetType = UNSET
    max_running: int | UnsetType | None = UNSET
    max_per_second: float | UnsetType | None = UNSET
    max_waiting: int | UnsetType | None = UNSET
    lock_limit: int | UnsetType | None = UNSET
    max_attempts: int | UnsetType | None = UNSET
    backoff: Backoff | UnsetType | None = UNSET
    keep_seconds: float | UnsetType | None = UNSET


class Pause(Request, kw_only=True, tag="pause"):
    queue: str


class Resume(Request, kw_only=True, tag="resume"):
    queue: str


class Drain(Request, kw_only=True, tag="drain"):
    queue: str


class WorkerOrder(Request, kw_only=True, tag="worker"):
    """Tell one worker something: `do` is pause, resume, drain, stop or set (a new `credit`)."""

    worker: str
    do: str
    credit: int | None = None


class Shutdown(Request, kw_only=True, tag="shutdown"):
    workers: bool = False


class Token(Request, kw_only=True, tag="token"):
    """`do` is create, list or revoke."""

    do: str
    name: str | None = None
    roles: list[str] = []
    queues: list[str] | None = None
    kinds: list[str] | None = None
    expires_at: str | float | None = None
    ttl_seconds: float | None = None


class Link(Request, kw_only=True, tag="link"):
    """An address for a browser that logs in once, as this session's token."""


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
    """`concurrency`: how many jobs the worker runs at once, where it holds more than that."""

    credit: int
    concurrency: int | None = None


class Progress(Request, kw_only=True, tag="progress"):
    id: str
    attempt: int
    percent: float | None = None
    text: str = ""


class Log(Request, kw_only=True, tag="log"):
    id: str
    attempt: int
    stream: str = "stdout"
    text: str


class DoneJob(Struct, forbid_unknown_fields=True):
    id: str
    attempt: int
    result: Raw = field(default_factory=lambda: NULL)  # a plain default has no JSON schema


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
    begun: bool = False


class KeptJob(Struct, forbid_unknown_fields=True):
    id: str
    attempt: int


class Beat(Request, kw_only=True, tag="beat"):
    """Every lease of the session lives on, or those of `jobs` only."""

    jobs: list[KeptJob] | UnsetType = UNSET


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
    | Commit
    | Discard
    | Get
    | Wait
    | Cancel
    | Retry
    | Remove
    | Change
    | Task
    | Find
    | Watch
    | Counts
    | Queues
    | Workers
    | Explain
    | LogOf
    | Queue
    | Pause
    | Resume
    | Drain
    | WorkerOrder
    | Shutdown
    | Token
    | Link
    | Can
    | Kinds
    | Work
    | Credit
    | Progress
    | Log
    | Done
    | Fail
    | Release
    | Beat
    | Keep
    | Metrics
    | Overview
    | CanDo
    | Do
    | Did
)
