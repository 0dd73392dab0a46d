"""Waiting for jobs: with a bar while a person watches, silently otherwise."""

from __future__ import annotations

from collections.abc import Sequence

from hirehall.cli.exits import Exit
from hirehall.cli.looking import Deadline, look
from hirehall.cli.output import is_terminal, note
from hirehall.client.jobs import Waited
from hirehall.client.sync_client import Hall
from hirehall.errors import HallError

FIRST_LOOK_SECONDS = 0.3  # most jobs have ended by then, and need no bar


def wait_for(hall: Hall, ids: Sequence[str], timeout_seconds: float | None = None) -> Waited:
    """The jobs that have ended, in the order of `ids`, and those that had not when the time was up."""
    deadline = Deadline(timeout_seconds)
    waited = look(hall, ids, deadline, FIRST_LOOK_SECONDS)
    if waited.pending and not deadline.is_over():
        mention_missing_worker(hall, waited.pending[0])
        later = watch(hall, waited.pending, deadline)
        waited = Waited(waited.jobs + later.jobs, later.pending)
    places = {job: place for place, job in enumerate(ids)}
    waited.jobs.sort(key=lambda job: places[job.id])
    return waited


def watch(hall: Hall, ids: Sequence[str], deadline: Deadline) -> Waited:
    """The long part of waiting."""
    if not is_terminal():
        return look(hall, ids, deadline)
    from hirehall.cli.bars import watch_with_bar  # noqa: PLC0415 - rich takes 50 ms to import

    return watch_with_bar(hall, ids, deadline)


def mention_missing_worker(hall: Hall, job: str) -> None:
    """The newcomer's first stumble: nobody is there to do it."""
    try:
        for info in hall.get([job]):
            place = {"kind": info.kind, "queue": info.queue, "requires": info.requires or None}
            if info.state == "ready" and not hall.request({"cmd": "can", **place})["can"]:
                what = f"kind {info.kind!r} from queue {info.queue!r}"
                note(f"no worker runs {what} now; job {info.id} waits for one")
    except HallError:
        return  # only a hint; whatever is wrong is said by the wait itself


def status_of(waited: Waited) -> Exit:
    """What a script is told about the jobs waited for."""
    if any(job.state != "succeeded" for job in waited.jobs):
        return Exit.JOB
    return Exit.PENDING if waited.pending else Exit.OK
