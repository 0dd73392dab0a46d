"""What the tests say again and again: submit, look, wait, work."""

from __future__ import annotations

import selectors
import time
from typing import Any

from tests.system.audit import PAGE, find_jobs
from tests.system.hall_process import Hall
from tests.system.lines import PATIENCE, Line, Message, Silence


def submit(line: Line, queue: str = "default", **fields: Any) -> str:
    """Submit one job; its id."""
    return str(line.ok("submit", queue=queue, **{"kind": "k", **fields})["id"])


def submit_many(line: Line, queue: str, jobs: list[Message], **fields: Any) -> list[str]:
    """Submit in bulk; the ids."""
    return list(line.ok("submit", queue=queue, jobs=jobs, **{"kind": "k", **fields})["ids"])


def view(line: Line, job: str) -> Message:
    """The job as `get` shows it."""
    return dict(line.ok("get", ids=[job])["jobs"][0])


def await_final(line: Line, ids: list[str], within: float) -> None:
    """Wait until all these jobs have ended."""
    deadline = time.monotonic() + within
    for place in range(0, len(ids), PAGE):
        left = max(deadline - time.monotonic(), 0.0)
        asked = line.post("wait", ids=ids[place : place + PAGE], timeout_seconds=left)
        assert line.answer(asked, left + 5)["pending"] == []


def await_queue(line: Line, queue: str, within: float = 15.0) -> None:
    """Wait until every job of this queue has ended."""
    await_final(line, list(find_jobs(line, queue=queue)), within)


def ended(line: Line, job: str, within: float = PATIENCE) -> Message:
    """The job when it has ended."""
    await_final(line, [job], within)
    return view(line, job)


def await_running(line: Line, job: str) -> None:
    """Ask until the job runs."""
    deadline = time.monotonic() + PATIENCE
    while view(line, job)["state"] != "running":
        assert time.monotonic() < deadline, "the job never started"


def at_work(hall: Hall, queue: str, name: str = "ann", **work: Any) -> Line:
    """A worker that waits for jobs of this queue; the same name in the same queue is the same worker."""
    line = hall.session(worker=f"{name}-{queue}", name=name)
    line.ok("work", queues=[queue], **{"kinds": ["*"], "credit": 1, **work})
    return line


def take_one_by_one(worker: Line, count: int) -> list[Message]:
    """Answer each delivery before the next one comes."""
    taken: list[Message] = []
    for _ in range(count):
        taken += worker.runs(1)
        worker.post("done", id=taken[-1]["id"], attempt=taken[-1]["attempt"])
    return taken


def first_to_hear(*lines: Line) -> Line:
    """The one of these sessions to which the hall says something next."""
    with selectors.DefaultSelector() as selector:
        for line in lines:
            selector.register(line.sock, selectors.EVENT_READ, line)
        heard = selector.select(PATIENCE)
    if not heard:
        raise Silence("the hall said nothing to anybody")
    found = heard[0][0].data
    assert isinstance(found, Line)
    return found


def stale(line: Line, cmd: str, job: str, attempt: int, **fields: Any) -> None:
    """This worker has no say about this attempt."""
    assert line.refusal(cmd, id=job, attempt=attempt, **fields) in {"stale_lease", "wrong_state"}
