"""What a submit gives back: a handle on one job, and what `get` and `wait` know about jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from hirehall.client.lines import Line
from hirehall.client.outcomes import FINAL, value_of
from hirehall.errors import HallError, NotFound
from hirehall.wire.replies import Ended, FileView, LogEntry


class Handle:
    """One submitted job. `state` is None until the hall has said it (a bulk submit is answered with ids
    only)."""

    __slots__ = ("_outcome", "asked", "duplicate", "id", "is_followed", "state")

    def __init__(self, id: str, state: str | None = None, duplicate: bool = False) -> None:  # noqa: A002
        self.id = id
        self.state = state
        self.duplicate = duplicate
        self.asked = False  # a `wait` for it is under way on this connection
        self.is_followed = False  # its end will be told to this handle
        self._outcome: Ended | HallError | None = None

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.id} {self.state or 'submitted'}>"

    @property
    def is_ended(self) -> bool:
        """Whether the outcome has arrived here."""
        return self._outcome is not None

    def settle(self, outcome: Ended | HallError) -> None:
        """The outcome, or why it cannot be known. The first one counts."""
        if self._outcome is None:
            self._outcome = outcome
            if isinstance(outcome, Ended):
                self.state = outcome.state
            self._wake()

    def _wake(self) -> None:
        """For the shells: somebody may be waiting."""

    def _value(self) -> Any:
        assert self._outcome is not None, "a job's value is read after it has ended"
        return value_of(self._outcome)


J = TypeVar("J", bound=Handle)
J_co = TypeVar("J_co", bound=Handle, covariant=True)


class MakeHandle(Protocol[J_co]):
    def __call__(self, id: str, state: str | None, duplicate: bool) -> J_co: ...  # noqa: A002


class Followed:
    """The jobs whose outcome is awaited, by id."""

    def __init__(self, ask: Callable[[str, Handle], None]) -> None:
        self._jobs: dict[str, list[Handle]] = {}  # the same key submitted twice makes two handles on one job
        self._ask = ask

    def __len__(self) -> int:
        return len(self._jobs)

    def add(self, job: Handle) -> None:
        """The hall will push this job's end."""
        if not job.is_followed and not job.is_ended:
            job.is_followed = True
            handles = self._jobs.get(job.id)
            if handles is None:
                self._jobs[job.id] = [job]
            else:
                handles.append(job)

    def ask(self, job: Handle) -> None:
        """Nobody pushes this job's end, or perhaps not: ask for it, once."""
        self.add(job)
        if not job.asked and not job.is_ended:
            job.asked = True
            self._ask(job.id, job)

    def ask_all(self) -> None:
        """After a reconnect: the hall follows nothing for this session any more."""
        for handles in list(self._jobs.values()):
            self.ask(handles[0])

    def ended(self, ends: list[Ended]) -> None:
        """An `end` push."""
        for end in ends:
            for job in self._jobs.pop(end.id, ()):
                job.settle(end)

    def refused(self, job: Handle, error: HallError) -> None:
        """The hall does not say how this one ended."""
        for handle in self._jobs.pop(job.id, [job]):
            handle.settle(error)

    def fail(self, error: HallError) -> None:
        """No outcome will come: the connection is gone for good."""
        jobs, self._jobs = self._jobs, {}
        for handles in jobs.values():
            for job in handles:
                job.settle(error)


class WaitReply(Struct):
    """The answer to `wait`, as far as outcomes need it."""

    jobs: list[Ended] = []
    pending: list[str] = []


class OutcomeWaiter:
    """Takes the answer to a `wait` for one followed job."""

    __slots__ = ("_followed", "_job")

    def __init__(self, followed: Followed, job: Handle) -> None:
        self._followed = followed
        self._job = job

    def done(self) -> bool:
        """Whether the outcome came some other way."""
        return self._job.is_ended

    def set_result(self, reply: WaitReply) -> None:
        """Its end, or nothing yet: then ask again."""
        self._job.asked = False
        self._followed.ended([job for job in reply.jobs if job.state in FINAL])
        if not self._job.is_ended and self._job.id in reply.pending:
            self._followed.ask(self._job)
        elif not self._job.is_ended:
            self.set_exception(NotFound(f"the hall does not know job {self._job.id}: it may have been removed"))

    def set_exception(self, error: BaseException) -> None:
        """The hall refused to say, or cannot be reached any more."""
        self._followed.refused(self._job, error if isinstance(error, HallError) else HallError(str(error)))

    @staticmethod
    def read(_line: Line, raw: bytes) -> WaitReply:
        return msgspec.json.decode(raw, type=WaitReply)


class JobInfo(Struct, kw_only=True):
    """A job as `get`, `wait` and `find` show it; payload and result are decoded, times are RFC 3339 in UTC. A result
    that is too large for a message is shown as the file that it lies in; `hall.job(id).result()` reads it."""

    id: str
    kind: str = ""
    queue: str = ""
    state: str = ""
    attempt: int = 0
    max_attempts: int = 0
    forgiven: int = 0
    priority: int = 0
    share: str = ""
    requires: Any = None
    key: str | None = None
    payload: Any = None
    result: Any = None
    error: Any = None
    progress: Any = None
    history: Any = None
    worker: str | None = None
    meta: dict[str, str] | None = None
    files: list[FileView] = []
    tags: list[str] = []
    lock: str | None = None
    after: list[str] = []
    created_at: str | None = None
    run_at: str | None = None
    expires_at: str | None = None
    started_at: str | None = None
    finished_at: str | None = None
    owner: str = ""
    timeout_seconds: float | None = None
    backoff: Any = None
    keep_seconds: float | None = None


class Page(Struct, kw_only=True):
    """A part of what `find` found. `next` goes on as `before`, None at the end; `looked_back_to` when the search
    ran out of time there."""

    jobs: list[JobInfo] = []
    next: str | None = None
    looked_back_to: str | None = None


class LogPart(Struct, kw_only=True):
    """Part of an attempt's log; `next` is the offset behind it, `ended` that nothing more will come. `sizes` are the
    bytes that each entry takes: where `next` is further on than they reach, the hall has left out lines."""

    id: str
    attempt: int
    entries: list[LogEntry] = []
    next: int = 0
    ended: bool = False
    sizes: list[int] = []


class _RawPart(Struct, kw_only=True):
    id: str
    attempt: int
    entries: list[Raw] = []
    next: int = 0
    ended: bool = False


class _Log(Struct):
    log: _RawPart


def read_log(raw: bytes) -> LogPart:
    """The answer to `log_of`, or a push of it."""
    part = msgspec.json.decode(raw, type=_Log).log
    entries = [msgspec.json.decode(entry, type=LogEntry) for entry in part.entries]
    sizes = [len(memoryview(entry)) + 1 for entry in part.entries]  # with its line break
    return LogPart(id=part.id, attempt=part.attempt, entries=entries, next=part.next, ended=part.ended, sizes=sizes)


class Waited(Struct):
    """The answer to `wait`: the jobs that have ended, and the ids of those that had not when the time was
    up."""

    jobs: list[JobInfo] = []
    pending: list[str] = []


class JobMaker(Generic[J]):
    """Turns the replies to submits into handles, and follows those that are to be followed."""

    def __init__(self, make: MakeHandle[J], followed: Followed) -> None:
        self._make = make
        self._followed = followed

    def plain(self, line: Line, _raw: bytes) -> J:
        """A submit without `follow`."""
        return self._make(line.id, line.state or None, line.duplicate)

    def following(self, line: Line, _raw: bytes) -> J:
        """A submit with `follow`."""
        job = self._make(line.id, line.state or None, line.duplicate)
        self.follow(job)
        return job

    def known(self, id: str, duplicate: bool) -> J:  # noqa: A002
        """One id of a bulk submit."""
        return self._make(id, None, duplicate)

    def follow(self, job: Handle) -> None:
        """Await its end. A twin of an older submit may have ended before, and no push will come: ask."""
        if job.duplicate or job.state in FINAL:
            self._followed.ask(job)
        else:
            self._followed.add(job)
