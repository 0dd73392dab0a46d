"""The end of a hall that `shutdown` ordered: nothing new is taken, workers may leave first, clients are told."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from hirehall.core.workers import Worker
from hirehall.errors import Unavailable
from hirehall.service.events import SHUTDOWN
from hirehall.wire.replies import Stop, StopPush

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

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

    def _look(self) -> None:
        core = self._hall.core
        if any(map(self._is_waited_for, core.leases.workers.values())):
            core.alarm(core.now.mono + EMPTY_SECONDS, self._look)
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
