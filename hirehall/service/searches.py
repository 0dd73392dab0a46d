"""Searches under way: they take their time beside the commits, and only their own session's later answers wait."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hirehall.errors import HallError
from hirehall.service.answers import AfterSearch
from hirehall.service.sessions import Session

if TYPE_CHECKING:
    from hirehall.service.hall import Hall


class SearchesUnderWay:
    """At most one per session."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, session: Session, ref: Any, search: AfterSearch) -> None:
        """Answer `search` when it has found enough or its time is up."""
        session.searches = True
        task = asyncio.get_running_loop().create_task(self._run(session, ref, search))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, session: Session, ref: Any, search: AfterSearch) -> None:
        try:
            reply = await self._hall.reply(session, search)
        except HallError as exc:
            self._hall.fail(exc)
            return
        session.searches = False
        self._hall.answered(session, ref, reply)

    @property
    def are_under_way(self) -> bool:
        """Whether any answer is still to come."""
        return bool(self._tasks)

    async def finish(self) -> None:
        """Return when none is under way: none takes long."""
        if self._tasks:
            await asyncio.wait(self._tasks)
