"""Waiting for jobs: with a bar while a person watches, silently otherwise."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from hirehall.cli.exits import Exit
from hirehall.cli.looking import Deadline, look
from hirehall.cli.output import complain, is_terminal, note
from hirehall.client.jobs import Waited
from hirehall.client.outcomes import ShutDown
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


def patiently(wait: Callable[[], int], doing: str, go_on: str) -> int:
    """Wait, and say how to go on when a person or a planned end of the hall ends it first."""
    try:
        return wait()
    except KeyboardInterrupt:
        note(f"stopped {doing}; the job goes on: {go_on}")
        return Exit.INTERRUPTED
    except ShutDown:
        note(f"the hall was shut down; the job goes on when it is started again: {go_on}")
        return Exit.PENDING


def mention_gone(waited: Waited, ids: Sequence[str]) -> int:
    """Jobs that the hall forgot before it could say how they ended; how many."""
    known = {*waited.pending, *(job.id for job in waited.jobs)}
    gone = [job for job in ids if job not in known]
    for job in gone:
        complain(f"the hall does not know job {job} any more: it was removed, or ended and was not to be kept")
    return len(gone)


def status_of(waited: Waited, gone: int) -> Exit:
    """What a script is told about the jobs waited for."""
    if any(job.state != "succeeded" for job in waited.jobs):
        return Exit.JOB
    if gone:
        return Exit.HALL
    return Exit.PENDING if waited.pending else Exit.OK
