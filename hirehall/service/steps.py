"""A hall that says each step of each job in its log: `serve --log-level debug`. It costs; without it nothing does.

One job, with all of it: received, accepted, durable, sent, received, durable, told. Ids and names only: never what a
job carries, and no tokens.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

from hirehall.core.operations import APPLIED, Batch, Change, Claimed, NewJob
from hirehall.model import FINAL, id_text
from hirehall.ports import Connection
from hirehall.service.answers import AfterRow, Answer
from hirehall.service.events import step_of
from hirehall.service.hall import Entry, Hall
from hirehall.service.sessions import Session
from hirehall.wire.replies import ErrorReply

log = logging.getLogger("hirehall")

NAMED = ("queue", "kind", "attempt")  # of a message, as it names them


class LoudHall(Hall):
    """Does what a hall does, and says so."""

    def connected(self, connection: Connection, *, remote: bool = False) -> Session:
        """Say that somebody came."""
        session = super().connected(connection, remote=remote)
        say("connected", session=session_text(session.number))
        return session

    def closed(self, session: Session, *, is_silent: bool = False) -> None:
        """Say that somebody went."""
        if not session.closed:
            say("connection closed", session=session_text(session.number), silent=is_silent)
        super().closed(session, is_silent=is_silent)

    def received(self, session: Session, messages: list[Any]) -> None:
        """Say what was asked."""
        for message in messages:
            tag = getattr(getattr(type(message), "__struct_config__", None), "tag", "a bad line")
            about = {name: value for name in NAMED if isinstance(value := getattr(message, name, None), str | int)}
            for job in jobs_of(message):
                say("received", cmd=tag, job=job, session=session_text(session.number), **about)
        super().received(session, messages)

    async def _settle(self, batch: Batch, entries: list[Entry]) -> None:
        """Say what is durable, then let it be told."""
        for submit in batch.submits:
            for job, number in zip(submit.jobs, submit.ids, strict=False):
                if job.id == number:
                    self._accepted(job)
        for change in batch.changes:
            for number, one in enumerate(change.each, change.id):
                self._changed(number, one)
        for moved in batch.moved:
            state = None if moved.state is None else moved.state.word
            say(
                "durable",
                job=id_text(moved.id),
                step=step_of(moved.was, moved.state),
                state=state,
                queue=moved.queue,
                kind=moved.kind,
            )
        for row in (row for claim in batch.claims for row in claim.rows):
            self._delivered(row)
        await super()._settle(batch, entries)
        for session, _, asked in entries:
            if isinstance(asked, AfterRow):
                say("answered", reply="several", answers=len(asked.refs), session=session_text(session.number))

    def _changed(self, job: int, change: Change) -> None:
        said = {"job": id_text(job), "queue": change.queue or None, "kind": change.kind or None}
        say("durable", step=change.step.name, answer=change.answer, attempt=change.attempt, **said)
        if change.answer == APPLIED and change.target in FINAL and change.follow is not None and change.target:
            say("end told", state=change.target.word, session=session_text(change.follow), **said)

    def _accepted(self, job: NewJob) -> None:
        about = {"queue": job.spec.queue, "kind": job.spec.kind, "owner": job.owner}
        say("durable", job=id_text(job.id), step="submit", state=(job.became or job.state).word, **about)
        if job.holder is not None:
            self._sent(job.id, job.attempt, job.holder, placed=True)

    def _delivered(self, row: Claimed) -> None:
        say("durable", job=id_text(row.id), step="deliver", attempt=row.attempt, queue=row.queue, kind=row.kind)
        self._sent(row.id, row.attempt, row.holder)

    def _sent(self, job: int, attempt: int, holder: str, *, placed: bool = False) -> None:
        worker = self.core.leases.workers.get(holder)
        session = None if worker is None or worker.session is None else session_text(worker.session)
        name = None if worker is None else worker.name or worker.holder
        say("sent to worker", job=id_text(job), attempt=attempt, worker=name, session=session, placed=placed or None)

    def _say(self, session: Session, ref: Any, answer: Answer) -> int:
        """Say what was answered."""
        error = answer.error.code if isinstance(answer, ErrorReply) else None
        for job in [] if answer is None else jobs_of(answer):
            say("answered", reply=type(answer).__name__, job=job, error=error, session=session_text(session.number))
        return super()._say(session, ref, answer)


def say(event: str, **fields: Any) -> None:
    """A line about what happened; the job comes first."""
    log.debug("%s", event, extra={"job": fields.pop("job", None), **fields})


def session_text(number: int) -> str:
    """A session in the log."""
    return f"{number:x}"


def jobs_of(message: Any) -> list[str | None]:
    """The jobs that a message or an answer names; None alone when it names none."""
    return [job for job in _jobs_of(message) if isinstance(job, str)] or [None]


def _jobs_of(message: Any) -> Iterator[Any]:
    yield getattr(message, "id", None)
    yield from getattr(message, "ids", None) or []
    for entry in getattr(message, "jobs", None) or []:
        yield getattr(entry, "id", None)
