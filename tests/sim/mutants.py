"""Deliberate bugs in the production code, applied by a test: the simulation is worth what it finds of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import msgspec

from hirehall.core.leases import Leases
from hirehall.core.queues import QueueLine
from hirehall.core.settling import Settling
from hirehall.core.workers import Hold
from hirehall.service.events import Events
from hirehall.service.hall import Hall
from hirehall.stores import sqlite_changes, sqlite_gates


@contextmanager
def reply_before_commit() -> Iterator[None]:
    """Answers leave while the store is still at it."""

    async def commit(hall: Any) -> None:
        hall.core.turn(hall.clock())
        batch = hall.core.seal()
        entries, hall._entries = hall._entries, []
        hall._let_in_the_next()
        for submit in batch.submits:
            submit.ids = [job.id for job in submit.jobs]
        early = [entry for entry in entries if type(entry[2]).__name__ == "AfterCommit" and entry[2].make.__closure__]
        early = [
            entry
            for entry in early
            if any("Submit" in type(cell.cell_contents).__name__ for cell in entry[2].make.__closure__)
        ]
        for session, ref, answer in early:
            hall._say(session, ref, answer.make())
            session.unanswered -= 1
            session.flush()
        if not batch.is_empty:
            await hall.store.apply(batch)
        await hall._settle(batch, [entry for entry in entries if entry not in early])

    with mock.patch.object(Hall, "_commit", commit):
        yield


@contextmanager
def attempt_taken_back_at_release() -> Iterator[None]:
    """A released job forgets the attempt instead of forgiving it."""
    original = sqlite_changes._update

    def update(work: Any, change: Any, row: Any) -> None:
        original(work, change, row)
        if change.step.name == "release":
            work.db.execute("UPDATE jobs SET attempt = attempt - 1, forgiven = forgiven - 1 WHERE id = ?", (row.id,))

    with mock.patch.object(sqlite_changes, "_update", update):
        yield


@contextmanager
def delivery_of_a_duplicate() -> Iterator[None]:
    """A submit that was placed on a worker at once is delivered even when the store already had the job."""
    original = Settling._submit

    def settle(settling: Any, submit: Any) -> None:
        if submit.ids:
            submit = type(submit)(
                submit.jobs,
                [job.id if job.holder else answer for job, answer in zip(submit.jobs, submit.ids, strict=True)],
            )
        original(settling, submit)

    with mock.patch.object(Settling, "_submit", settle):
        yield


@contextmanager
def child_let_in_by_the_first_of_its_parents() -> Iterator[None]:
    """A job that waits for two others goes when one of them has succeeded."""

    def one_less(work: Any, child: int) -> None:
        work.db.execute("UPDATE gates SET waits = 0, stage = 1 WHERE id = ?", (child,))
        gate = work.db.execute("SELECT queue, lock FROM gates WHERE id = ?", (child,)).fetchone()
        if gate is not None:
            work.wanting.append((child, *gate))

    with mock.patch.object(sqlite_gates, "_one_less", one_less):
        yield


@contextmanager
def cancelled_parent_keeps_its_children_waiting() -> Iterator[None]:
    """Only success is told to children."""
    with mock.patch.object(sqlite_gates, "_cancel", return_value=None):
        yield


@contextmanager
def lock_place_kept_until_the_end() -> Iterator[None]:
    """A job that waits for its next attempt still holds its lock."""
    original = sqlite_gates._give_back

    def give_back(work: Any) -> None:
        work.left = {job for job in work.left if job in work.ended}
        original(work)

    with mock.patch.object(sqlite_gates, "_give_back", give_back):
        yield


@contextmanager
def lock_lets_in_one_too_many() -> Iterator[None]:
    """Who holds a place is not counted right."""
    fewer = sqlite_gates.HOLDERS.replace("count(*)", "max(count(*) - 1, 0)")
    with mock.patch.object(sqlite_gates, "HOLDERS", fewer):
        yield


@contextmanager
def paused_queue_hands_out() -> Iterator[None]:
    """A pause is stored, and nobody looks at it."""
    with mock.patch.object(QueueLine, "hands_out", property(lambda line: True)):
        yield


@contextmanager
def last_log_lines_dropped() -> Iterator[None]:
    """What an attempt said after the last second is forgotten with its lease."""

    def close(leases: Any, job: int) -> Any:
        return leases.open.pop(job, None)

    with mock.patch.object(Leases, "_close", close):
        yield


@contextmanager
def gap_not_told() -> Iterator[None]:
    """A watcher that comes back to another run of the hall goes on as if nothing had been missed."""
    original = Events.watch

    def watch(events: Any, session: Any, interest: Any, since: str | None) -> bool:
        return original(events, session, interest, since) or True

    with mock.patch.object(Events, "watch", watch):
        yield


@contextmanager
def follower_of_an_expired_job_not_told() -> Iterator[None]:
    """What the sweep and the gates end is not put to those who follow it."""
    original = Settling._moved

    def moved(settling: Any, one: Any, batch: Any) -> None:
        original(settling, msgspec.structs.replace(one, follow=None), batch)

    with mock.patch.object(Settling, "_moved", moved):
        yield


@contextmanager
def place_of_a_cancelled_job_lost() -> Iterator[None]:
    """A worker that answers for a job which was cancelled in its hand does not get the place back."""
    original = Leases.answered

    def answered(leases: Any, holder: str, job: int, attempt: int) -> Any:
        worker = leases.workers.get(holder)
        lease = worker.held.get(job) if worker is not None else None
        if lease is not None and lease.hold is Hold.OVER:
            return None
        return original(leases, holder, job, attempt)

    with mock.patch.object(Leases, "answered", answered):
        yield


PLANTED = (
    reply_before_commit, attempt_taken_back_at_release, delivery_of_a_duplicate,
    child_let_in_by_the_first_of_its_parents, cancelled_parent_keeps_its_children_waiting,
    lock_place_kept_until_the_end, lock_lets_in_one_too_many, paused_queue_hands_out, last_log_lines_dropped,
    gap_not_told, follower_of_an_expired_job_not_told, place_of_a_cancelled_job_lost,
)  # fmt: skip
