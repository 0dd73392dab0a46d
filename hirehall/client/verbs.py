"""The verbs of a client, said once: each is a command and how to read its answer. The shells only carry
them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict, TypeVar, Unpack

import msgspec

from hirehall.client.asking import Ask
from hirehall.client.jobs import JobInfo, LogPart, Page, Waited, read_log
from hirehall.client.lines import Line
from hirehall.client.session import READS
from hirehall.wire import replies
from hirehall.wire.glance import Glance, OverviewReply
from hirehall.wire.replies import CountView, Explained, KindOffer, QueueView, Refusal, TaskView, WorkerView

T = TypeVar("T")
R = TypeVar("R", bound=msgspec.Struct)
Time = datetime | str | float


class Filters(TypedDict, total=False):
    """Which jobs: all that is given must hold. The times are of the submit."""

    queue: str
    kind: str
    state: str
    tag: str
    key: str
    worker: str
    created_after: Time
    created_before: Time


class Changes(TypedDict, total=False):
    """What `change` sets on jobs that have not begun. A `run_at` of None means now."""

    queue: str
    priority: int
    requires: Mapping[str, str | bool | int | float] | None
    share: str
    run_at: Time | None
    delay_seconds: float
    expires_at: Time | None
    ttl_seconds: float
    timeout_seconds: float | None
    max_attempts: int
    keep_seconds: float
    tags: Sequence[str]
    meta: Mapping[str, str]


class QueueSettings(TypedDict, total=False):
    """What a queue can be told; None sets the default again."""

    state: str
    max_running: int | None
    max_per_second: float | None
    max_waiting: int | None
    lock_limit: int | None
    max_attempts: int | None
    backoff: Mapping[str, Any] | None
    keep_seconds: float | None


def _reader(reply: type[R], take: Callable[[R], T]) -> Callable[[Line, bytes], T]:
    """Decode the answer as `reply` and take from it what was asked for. No decoder is made before it is needed: a
    program that submits one job has no time for twenty."""
    return lambda _line, raw: take(msgspec.json.decode(raw, type=reply))


def _nothing(_line: Line, _raw: bytes) -> None:
    return None


_page = _reader(Page, lambda page: page)
_jobs = _reader(Page, lambda page: page.jobs)
_waited = _reader(Waited, lambda waited: waited)
_counts = _reader(replies.CountsReply, lambda reply: reply.counts)
_queues = _reader(replies.QueuesReply, lambda reply: reply.queues)
_queue = _reader(replies.QueueReply, lambda reply: reply.queue)
_workers = _reader(replies.WorkersReply, lambda reply: reply.workers)
_kinds = _reader(replies.KindsReply, lambda reply: reply.kinds)
_overview = _reader(OverviewReply, lambda reply: reply.overview)
_metrics = _reader(replies.MetricsReply, lambda reply: reply.metrics)
_can = _reader(replies.CanReply, lambda reply: reply.can)
_explained = _reader(replies.Explained, lambda reply: reply)
_tasks = _reader(replies.TasksReply, lambda reply: reply.tasks)
_task = _reader(replies.TaskReply, lambda reply: reply.task)


def _log(_line: Line, raw: bytes) -> LogPart:
    return read_log(raw)


class _Refused(msgspec.Struct):
    refused: list[Refusal] = []


_refused = _reader(_Refused, lambda reply: reply.refused)


# Jobs.


def get(ids: Sequence[str]) -> Ask[list[JobInfo]]:
    """What the hall knows about these jobs; those it does not know are left out."""
    return Ask({"cmd": "get", "ids": list(ids)}, _jobs, True)


def wait(ids: Sequence[str], timeout_seconds: float | None = None) -> Ask[Waited]:
    """Answered when all of them have ended, or after `timeout_seconds`."""
    return Ask({"cmd": "wait", "ids": list(ids), "timeout_seconds": timeout_seconds}, _waited, True)


def find(*, limit: int = 100, before: str | None = None, **filters: Unpack[Filters]) -> Ask[Page]:
    """The newest jobs that fit; `before=page.next` gives the page after."""
    return Ask({"cmd": "find", "limit": limit, "before": before, **filters}, _page, True)


def explain(id: str) -> Ask[Explained]:  # noqa: A002
    """Why a job is where it is, in sentences. Raises NotFound."""
    return Ask({"cmd": "explain", "id": id}, _explained, True)


def log_of(id: str, attempt: int | None = None, offset: int = 0) -> Ask[LogPart]:  # noqa: A002
    """Part of an attempt's log (the latest one's unless named); `offset=part.next` gives the part after."""
    return Ask({"cmd": "log_of", "id": id, "attempt": attempt, "offset": offset}, _log, True)


# Changing jobs: one, several that are judged one by one, or all that fit (in the background, as a task).


def cancel(id: str) -> Ask[None]:  # noqa: A002
    """Stop a job, whatever it does now. Raises WrongState when it has ended."""
    return Ask({"cmd": "cancel", "id": id}, _nothing, False)


def retry(id: str) -> Ask[None]:  # noqa: A002
    """Run a job again that failed, was cancelled or expired. Raises WrongState for any other."""
    return Ask({"cmd": "retry", "id": id}, _nothing, False)


def remove(id: str) -> Ask[None]:  # noqa: A002
    """Forget a job that has ended. Raises WrongState when it has not."""
    return Ask({"cmd": "remove", "id": id}, _nothing, False)


def change(id: str, **changes: Unpack[Changes]) -> Ask[None]:  # noqa: A002
    """Set fields of a job that has not begun. Raises WrongState when it has."""
    return Ask({"cmd": "change", "id": id, "set": changes}, _nothing, False)


def cancel_each(ids: Sequence[str]) -> Ask[list[Refusal]]:
    """Stop these jobs; who was refused, and why."""
    return Ask({"cmd": "cancel", "ids": list(ids)}, _refused, False)


def retry_each(ids: Sequence[str]) -> Ask[list[Refusal]]:
    """Run these jobs again; who was refused, and why."""
    return Ask({"cmd": "retry", "ids": list(ids)}, _refused, False)


def remove_each(ids: Sequence[str]) -> Ask[list[Refusal]]:
    """Forget these jobs; who was refused, and why."""
    return Ask({"cmd": "remove", "ids": list(ids)}, _refused, False)


def change_each(ids: Sequence[str], **changes: Unpack[Changes]) -> Ask[list[Refusal]]:
    """Set fields of these jobs; who was refused, and why."""
    return Ask({"cmd": "change", "ids": list(ids), "set": changes}, _refused, False)


def cancel_where(**filters: Unpack[Filters]) -> Ask[TaskView]:
    """Stop all jobs that fit, in the background."""
    return Ask({"cmd": "cancel", "where": filters}, _task, False)


def retry_where(**filters: Unpack[Filters]) -> Ask[TaskView]:
    """Run all jobs that fit again, in the background."""
    return Ask({"cmd": "retry", "where": filters}, _task, False)


def remove_where(**filters: Unpack[Filters]) -> Ask[TaskView]:
    """Forget all jobs that fit and have ended, in the background."""
    return Ask({"cmd": "remove", "where": filters}, _task, False)


def change_where(where: Filters, **changes: Unpack[Changes]) -> Ask[TaskView]:
    """Set fields of all jobs that fit and have not begun, in the background."""
    return Ask({"cmd": "change", "where": where, "set": changes}, _task, False)


def tasks() -> Ask[list[TaskView]]:
    """What the `..._where` of all clients began and the hall still knows, the oldest first."""
    return Ask({"cmd": "task"}, _tasks, True)


def task(id: str) -> Ask[TaskView]:  # noqa: A002
    """How far one of them has come. Raises NotFound."""
    return Ask({"cmd": "task", "id": id}, _task, True)


def stop_task(id: str) -> Ask[TaskView]:  # noqa: A002
    """End what a `..._where` began, after the step under way."""
    return Ask({"cmd": "task", "id": id, "stop": True}, _task, True)


# Queues, workers, the hall.


def counts(queue: str | None = None, kind: str | None = None) -> Ask[list[CountView]]:
    """How many jobs there are, by queue, kind and state."""
    return Ask({"cmd": "counts", "queue": queue, "kind": kind}, _counts, True)


def queues() -> Ask[list[QueueView]]:
    """Every queue: its settings and what is in it."""
    return Ask({"cmd": "queues"}, _queues, True)


def queue(name: str, **settings: Unpack[QueueSettings]) -> Ask[QueueView]:
    """A queue, after the settings that are given are set."""
    return Ask({"cmd": "queue", "queue": name, **settings}, _queue, True)


def pause(queue: str) -> Ask[QueueView]:
    """Let a queue accept jobs and hand out none."""
    return Ask({"cmd": "pause", "queue": queue}, _queue, True)


def resume(queue: str) -> Ask[QueueView]:
    """Let a queue accept and hand out jobs."""
    return Ask({"cmd": "resume", "queue": queue}, _queue, True)


def drain(queue: str) -> Ask[QueueView]:
    """Let a queue hand out what is there and refuse more."""
    return Ask({"cmd": "drain", "queue": queue}, _queue, True)


def workers() -> Ask[list[WorkerView]]:
    """Every worker that is here, or holds a job."""
    return Ask({"cmd": "workers"}, _workers, True)


def worker(worker: str, do: str, credit: int | None = None) -> Ask[None]:
    """Tell one worker to pause, resume, drain or stop, or to set its credit. Raises NotFound."""
    given = {} if credit is None else {"credit": credit}
    return Ask({"cmd": "worker", "worker": worker, "do": do, **given}, _nothing, True)


def can(kind: str, queue: str = "default", requires: Mapping[str, Any] | None = None) -> Ask[bool]:
    """Whether a worker is here that could run this."""
    return Ask({"cmd": "can", "kind": kind, "queue": queue, "requires": requires}, _can, True)


def kinds() -> Ask[list[KindOffer]]:
    """What can be run now, and where."""
    return Ask({"cmd": "kinds"}, _kinds, True)


def metrics() -> Ask[dict[str, Any]]:
    """Counters since the hall started."""
    return Ask({"cmd": "metrics"}, _metrics, True)


def overview(*, limit: int = 100, span_seconds: int = 60) -> Ask[Glance]:
    """The hall at a glance: numbers of jobs, what comes and goes, times, workers, storage; of `limit` queues."""
    return Ask({"cmd": "overview", "limit": limit, "span_seconds": span_seconds}, _overview, True)


def shutdown(*, workers: bool = False) -> Ask[None]:
    """End the hall; with `workers` every worker finishes and exits too."""
    return Ask({"cmd": "shutdown", "workers": workers}, _nothing, False)


def request(command: Mapping[str, Any]) -> Ask[dict[str, Any]]:
    """Any command of the protocol; the reply's fields."""
    return Ask(dict(command), _fields, command.get("cmd") in READS)


def _fields(_line: Line, raw: bytes) -> dict[str, Any]:
    fields = msgspec.json.decode(raw, type=dict[str, Any])
    fields.pop("ref", None)
    return fields
