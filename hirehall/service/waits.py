"""`wait`: answered when all its jobs are final or its time is up, out of the order of its session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from hirehall.core.effects import End
from hirehall.core.timers import Timer
from hirehall.errors import NotFound, Unavailable
from hirehall.model import FINAL, Scope, StoredJob, id_text
from hirehall.ports import ByIds
from hirehall.service.answers import AfterRead, Answer, error_reply, job_view
from hirehall.service.sessions import Session
from hirehall.wire.replies import Jobs

if TYPE_CHECKING:
    from hirehall.service.hall import Hall


class Waiting:
    """One `wait`, until it is answered."""

    def __init__(self, session: Session, ref: Any, query: ByIds) -> None:
        self.session = session
        self.ref = ref
        self.query = query
        self.pending = set(query.ids)
        self.timer: Timer | None = None
        self.done = False


class Waits:
    """Everyone who waits, by the job waited for."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._by_job: dict[int, dict[Waiting, None]] = {}
        self._by_session: dict[Session, set[Waiting]] = {}

    def begin(self, session: Session, ref: Any, query: ByIds, timeout_seconds: float | None) -> AfterRead | None:
        """Register first, then read: an end between the two is not missed. Where all jobs are in hand none has ended,
        and nothing needs to be read before they do."""
        waiting = Waiting(session, ref, query)
        self._by_session.setdefault(session, set()).add(waiting)
        session.waits += 1
        for job in waiting.pending:
            self._by_job.setdefault(job, {})[waiting] = None
        due = None if timeout_seconds is None else self._hall.core.now.mono + timeout_seconds
        if query.ids and all(self._is_in_hand(job, query.scope) for job in query.ids):
            self._limit(waiting, due)
            return None
        states_only = ByIds(query.ids, query.scope, bodies=False)
        return AfterRead((states_only,), lambda jobs: self._first_look(waiting, jobs, due))

    def _is_in_hand(self, job: int, scope: Scope) -> bool:
        """Whether this job is running and, as far as a lease can tell, within `scope`: it does not know the owner."""
        lease = self._hall.core.leases.open.get(job)
        return lease is not None and scope.owner is None and scope.allows("", lease.job.queue)

    def _first_look(self, waiting: Waiting, jobs: list[StoredJob], due: float | None) -> None:
        if waiting.done:
            return
        missing = waiting.pending - {job.id for job in jobs}
        if missing:
            self._drop(waiting)
            names = ", ".join(sorted(map(id_text, missing - {-1}))) or "with such an id"
            raise NotFound(f"there is no job {names} that you may see")
        for job in jobs:
            if job.state in FINAL:
                self._arrived(waiting, job.id)
        if not waiting.query.ids:
            self._answer(waiting)
        self._limit(waiting, due)

    def _limit(self, waiting: Waiting, due: float | None) -> None:
        """Answer it at `due`, monotonic seconds, however far its jobs are."""
        if due is not None and not waiting.done:
            waiting.timer = self._hall.core.alarm(due, lambda: self._answer(waiting))

    def ended(self, ends: list[End]) -> None:
        """These jobs are final now."""
        if self._by_job:
            for job in [one.id for end in ends for one in end.each]:
                for waiting in list(self._by_job.get(job, ())):
                    self._arrived(waiting, job)

    def _arrived(self, waiting: Waiting, job: int) -> None:
        waiting.pending.discard(job)
        if not waiting.pending:
            self._answer(waiting)

    def _answer(self, waiting: Waiting) -> None:
        if not waiting.done:
            self._drop(waiting)
            pending = [id_text(job) for job in waiting.query.ids if job in waiting.pending]
            asked = [id_text(job) for job in waiting.query.ids]
            later = AfterRead((waiting.query,), lambda jobs: self._reply(jobs, asked, pending))
            self._hall.answer(waiting.session, waiting.ref, later)

    def _reply(self, jobs: list[StoredJob], asked: list[str], pending: list[str]) -> Answer:
        leases = self._hall.core.leases.open
        ended = {id_text(job.id) for job in jobs if job.state in FINAL}
        pending = [job for job in pending if job not in ended]  # what was asked before it may have come after its time
        still = set(pending)
        views = [job_view(job, leases.get(job.id)) for job in jobs if id_text(job.id) not in still]
        reply = Jobs(jobs=views, pending=pending)
        gone = set(asked) - still - {view.id for view in views}
        if gone:  # they had ended, and were removed before this look
            reply.missing = [job for job in asked if job in gone]
        return reply

    def _drop(self, waiting: Waiting) -> None:
        waiting.done = True
        waiting.session.waits -= 1
        if waiting.timer is not None:
            waiting.timer.cancel()
        self._by_session.get(waiting.session, set()).discard(waiting)
        for job in set(waiting.query.ids):
            others = self._by_job.get(job, {})
            others.pop(waiting, None)
            if not others:
                self._by_job.pop(job, None)

    def shut_down(self) -> None:
        """The hall ends for good: nobody waits on."""
        error = error_reply(Unavailable("the hall was shut down"))
        for waiting in {one: None for several in self._by_job.values() for one in several}:
            self._drop(waiting)
            self._hall.answer(waiting.session, waiting.ref, msgspec.structs.replace(error))

    def forget(self, session: Session) -> None:
        """Nobody is there to be answered."""
        for waiting in list(self._by_session.pop(session, ())):
            self._drop(waiting)
