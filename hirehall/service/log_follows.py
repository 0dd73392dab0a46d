"""Who follows a log: after what is stored they get each chunk as it is committed, until the attempt has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Raw

from hirehall.core import lifecycle
from hirehall.core.operations import APPLIED, MAX_CHUNK, Batch, Change, LogChunk
from hirehall.errors import NotFound
from hirehall.model import FINAL, Scope, State, StoredJob, id_text
from hirehall.ports import ByIds, LogRead, LogText
from hirehall.service.answers import AfterRead
from hirehall.service.sessions import Session
from hirehall.wire.replies import LogPart, LogPush, LogReply

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

PART_BYTES = 1 << 18


class Follow:
    """One session that follows one attempt's log. `next` is the offset it has got to, None while it catches up."""

    def __init__(self, session: Session, job: int) -> None:
        self.session = session
        self.job = job
        self.attempt = 0
        self.next: int | None = None
        self.missed = False  # something came while it was catching up
        self.over = False


class LogFollows:
    """Everyone who follows a log, by job."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._by_job: dict[int, list[Follow]] = {}

    def read(self, session: Session, job: int, attempt: int | None, offset: int, follow: bool) -> AfterRead:
        """The log from `offset`; what the attempt has said by now is stored first, so that the answer is whole."""
        lease = self._hall.core.leases.open.get(job)
        if lease is not None:
            self._hall.core.journal.flush(lease)
        follower = self._begin(session, job) if follow else None
        return self._part(session.scope("read"), job, attempt, offset, follower, is_reply=True)

    def _begin(self, session: Session, job: int) -> Follow:
        for old in [old for old in self._by_job.get(job, ()) if old.session is session]:
            self._drop(old)
        follower = Follow(session, job)
        self._by_job.setdefault(job, []).append(follower)
        self._hall.core.journal.followers[job] += 1
        return follower

    def _part(
        self, scope: Scope, job: int, attempt: int | None, offset: int, follower: Follow | None, is_reply: bool
    ) -> AfterRead:
        queries = (LogRead(job, attempt, offset, PART_BYTES), ByIds([job], scope, bodies=False))

        def make(text: LogText, jobs: list[StoredJob]) -> Any:
            if not jobs:
                self._drop(follower)
                raise NotFound(f"there is no job {id_text(job)} that you may see")
            part = _part_of(jobs[0], text)
            comes_more = part.ended and (job, part.attempt) in self._coming()  # the last lines of a cancelled one
            if comes_more or (follower is not None and follower.missed):
                part.ended = False  # what came between the two reads may have been its last lines
            if follower is not None and not follower.over:
                self._arrived(follower, scope, part, sum(map(len, text.entries)))
                follower.over = comes_more and follower.next is not None
            if is_reply:
                return LogReply(log=part)
            if follower is not None and (part.entries or part.ended):
                follower.session.put(LogPush(part))
            return None

        return AfterRead(queries, make)

    def _arrived(self, follower: Follow, scope: Scope, part: LogPart, size: int) -> None:
        """It has got this part; the next one at once while there may be more."""
        follower.attempt = part.attempt
        if follower.missed or size > PART_BYTES - 2 * MAX_CHUNK:
            self._catch_up(follower, scope, part.next)
        elif part.ended:
            self._drop(follower)
        else:
            follower.next = part.next

    def _catch_up(self, follower: Follow, scope: Scope, offset: int) -> None:
        """Read for it what is stored from `offset` on, as soon as its peer reads."""
        follower.next, follower.missed = None, False
        more = self._part(scope, follower.job, follower.attempt, offset, follower, is_reply=False)
        self._hall.answer(follower.session, None, more)

    # What a commit brought.

    def settled(self, batch: Batch) -> None:
        """Push the chunks of a durable batch, and the ends of attempts."""
        if not self._by_job:
            return
        for chunk in batch.logs:
            for follower in list(self._by_job.get(chunk.id, ())):
                self._came(follower, chunk)
        for change in batch.changes:
            for job in range(change.id, change.id + change.jobs):
                if job in self._by_job and change.answer == APPLIED:
                    self._changed(job, change)
        for moved in batch.moved:
            if moved.state in FINAL:
                self._end(moved.id, None)
        for row in [row for claim in batch.claims for row in claim.rows if row.id in self._by_job]:
            self._end(row.id, row.attempt - 1)
        self._finish()

    def _came(self, follower: Follow, chunk: LogChunk) -> None:
        """More of the log that it follows; a peer that does not read will find it in the store."""
        if follower.next is None:
            follower.missed = True
        elif follower.attempt != chunk.attempt or chunk.at_byte < follower.next:
            return
        elif follower.session.clogged:
            self._catch_up(follower, follower.session.scope("read"), follower.next)
        else:
            follower.next = chunk.at_byte + len(chunk.entries) + 1
            self._push(follower, [Raw(entry) for entry in chunk.entries.split(b"\n")], ended=False)

    def _changed(self, job: int, change: Change) -> None:
        if change.edit is not None:
            return
        if change.target in FINAL:
            self._end(job, None)
        elif change.step is lifecycle.LOSE:
            return  # its worker may still keep it: the next attempt ends this one
        elif change.in_hand or change.was is State.RUNNING:
            self._end(job, change.row_attempt or change.attempt)

    def _end(self, job: int, attempt: int | None) -> None:
        """This attempt is over, or with None the job is, and no attempt will come."""
        for follower in self._by_job.get(job, ()):
            if follower.next is None:
                follower.missed = True
            elif attempt in (None, follower.attempt):
                follower.over = True

    def _finish(self) -> None:
        """Who has heard the last of its attempt is told so; a cancelled one's last lines may be still on their way."""
        coming = self._coming()
        ended = [one for followers in self._by_job.values() for one in followers if one.over]
        for follower in ended:
            if (follower.job, follower.attempt) not in coming:
                self._push(follower, [], ended=True)
                self._drop(follower)

    def _coming(self) -> set[tuple[int, int]]:
        """The attempts of which the next commit will store more lines."""
        return {(chunk.id, chunk.attempt) for chunk in self._hall.core.collecting.batch.logs}

    def _push(self, follower: Follow, entries: list[Raw], ended: bool) -> None:
        assert follower.next is not None, "it has caught up"
        job = id_text(follower.job)
        part = LogPart(id=job, attempt=follower.attempt, entries=entries, next=follower.next, ended=ended)
        follower.session.put(LogPush(part))
        follower.session.flush()

    # They leave.

    def _drop(self, follower: Follow | None) -> None:
        if follower is None or follower not in self._by_job.get(follower.job, ()):
            return
        others = self._by_job[follower.job]
        others.remove(follower)
        followers = self._hall.core.journal.followers
        followers[follower.job] -= 1
        if not others:
            del self._by_job[follower.job], followers[follower.job]

    def forget(self, session: Session) -> None:
        """Nobody is there to hear it."""
        for follower in [one for followers in self._by_job.values() for one in followers if one.session is session]:
            self._drop(follower)


def _part_of(job: StoredJob, text: LogText) -> LogPart:
    attempt = text.attempt or 1  # of a job that has not begun the first
    may_go_on = job.state in (State.RUNNING, State.READY)  # a lost one, until somebody else has it
    is_over = job.state in FINAL or attempt < job.attempt or (attempt == job.attempt and not may_go_on)
    may_be_more = sum(map(len, text.entries)) > PART_BYTES - 2 * MAX_CHUNK
    return LogPart(
        id=id_text(job.id),
        attempt=attempt,
        entries=[Raw(entry) for entry in text.entries],
        next=text.next,
        ended=is_over and not may_be_more,
    )
