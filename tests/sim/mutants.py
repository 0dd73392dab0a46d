"""Deliberate bugs in the production code, applied by a test: the simulation is worth what it finds of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

from hirehall.core.settling import Settling
from hirehall.service.hall import Hall
from hirehall.stores import sqlite_changes


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


PLANTED = (reply_before_commit, attempt_taken_back_at_release, delivery_of_a_duplicate)
