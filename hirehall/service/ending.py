"""The end of a hall that `shutdown` ordered: nothing new is taken, workers may leave first, clients are told."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING

from hirehall.core.workers import Worker
from hirehall.errors import Unavailable
from hirehall.service.events import SHUTDOWN
from hirehall.wire.replies import Stop, StopPush

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

LEAVE_SECONDS = 10.0  # for a worker with nothing in hand that was told to leave
EMPTY_SECONDS = 0.2  # so often one looks whether the last worker has left


class Ending:
    """Whether the hall is about to end. `over` is set when it may: nobody is waited for any more."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self.begun = False
        self.over = asyncio.Event()

    def begin(self, wait_for_workers: bool) -> None:
        """End the hall; with `wait_for_workers` when the last of them has left."""
        self.begun = True
        self._hall.events.told(SHUTDOWN)
        if wait_for_workers:
            self._look()
        else:
            asyncio.get_running_loop().call_soon(self.over.set)

    def _look(self, idle_since: float | None = None) -> None:
        """Wait for every job in hand, however long it takes, but not for ever for idle workers that do not leave, or
        for those whose jobs are lost to them: who has gone silent may never say anything again."""
        core = self._hall.core
        now, workers = core.now.mono, core.leases.workers.values()
        idle_since = None if any(map(_is_busy, workers)) else idle_since or now
        is_patient = idle_since is None or now - idle_since < LEAVE_SECONDS
        if is_patient and any(map(self._is_waited_for, workers)):
            core.alarm(now + EMPTY_SECONDS, partial(self._look, idle_since))
        else:
            self.over.set()

    def _is_waited_for(self, worker: Worker) -> bool:
        """Whether it is here and can leave by itself, or still has something in hand."""
        session = self._hall.sessions.get(worker.session or 0)
        return session is not None and (session.deputy is None or bool(worker.held))

    def check_open(self) -> None:
        """Raise Unavailable when the hall is about to end."""
        if self.begun:
            raise Unavailable("the hall is being shut down: it takes no more jobs and workers")

    def say_goodbye(self) -> None:
        """Clients hear that the hall has ended for good; workers keep what they have, and come to the next one."""
        for session in self._hall.sessions.values() if self.begun else ():
            if not session.works and session.deputy is None:
                session.put(StopPush(Stop("", 0, SHUTDOWN)))
                session.flush()


def _is_busy(worker: Worker) -> bool:
    """Whether it has a job in hand that nobody else may get."""
    return any(lease.is_live for lease in worker.held.values())
