"""Answers that cannot be said with their batch: searches, which take their time, what stands behind one in its session,
what a peer that does not read has asked for, and what is read when much has been read for others already. Each
session's are said in their order, beside the commits."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Raw

from hirehall.errors import HallError
from hirehall.service.answers import AfterRead, AfterSearch, Answer, Asked
from hirehall.service.replying import reply_to
from hirehall.service.sessions import MOST_HELD_BACK, Session

if TYPE_CHECKING:
    from hirehall.service.hall import Hall


ENOUGH_BYTES = 2 << 20  # of a batch's answers, after which those that read are said one in a turn of the loop


class HeldBack:
    """Says what sessions have to hear later; a task for each session that has something to hear."""

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._tasks: set[asyncio.Task[None]] = set()
        self._turn = asyncio.Lock()

    def takes(self, session: Session, ref: Any, answer: Asked, *, said_bytes: int, is_last: bool) -> bool:
        """Whether this answer is said later; then it is kept here. `said_bytes` have been said with its batch. When the
        hall ends (`is_last`) nothing new is."""
        reads = type(answer) is AfterRead
        is_slow = type(answer) is AfterSearch or (reads and said_bytes > ENOUGH_BYTES) or must_wait(session, answer)
        if not session.is_served and (is_last or not (session.held_back or is_slow)):
            return False
        self._keep(session, [(ref, answer)])
        return True

    def takes_row(self, session: Session, lines: Sequence[bytes]) -> bool:
        """Whether these have to stand behind what is held back already; then they are kept here."""
        if not (session.held_back or session.is_served):
            return False
        self._keep(session, [(None, Raw(line)) for line in lines])
        return True

    def _keep(self, session: Session, answers: Sequence[tuple[Any, Asked]]) -> None:
        session.held_back += answers
        if session.has_much_to_hear:
            session.connection.pause()
        self.go_on(session)

    def go_on(self, session: Session) -> None:
        """Say what can be said now, unless that is under way."""
        if session.held_back and not session.is_served and not must_wait(session, session.held_back[0][1]):
            session.is_served = True
            task = asyncio.get_running_loop().create_task(self._serve(session))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _serve(self, session: Session) -> None:
        """An answer leaves the row when it is said: what comes meanwhile stands behind it."""
        try:
            while session.held_back and not must_wait(session, session.held_back[0][1]):
                ref, answer = session.held_back[0]
                reply = await self._made(session, answer)
                del session.held_back[0]
                self._hall.answered(session, ref, reply)
                if len(session.held_back) == MOST_HELD_BACK // 2:
                    self._hall.read_on(session)
        except HallError as exc:
            self._hall.fail(exc)
        finally:
            session.is_served = False
            session.flush()

    async def _made(self, session: Session, answer: Asked) -> Answer:
        """One read after the other, each in its own turn of the loop: large answers to many would stop it, and the
        batches behind them, for seconds."""
        if type(answer) is not AfterRead:
            return await reply_to(self._hall, session, answer)
        async with self._turn:
            await asyncio.sleep(0)
            return await reply_to(self._hall, session, answer)

    @property
    def are_under_way(self) -> bool:
        """Whether any answer is being made."""
        return bool(self._tasks)

    async def finish(self) -> None:
        """Return when nothing is under way: nothing takes long."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))


def must_wait(session: Session, answer: Asked) -> bool:
    """Its peer does not read what it has asked for: no more is read for it."""
    return session.clogged and not session.closed and type(answer) in (AfterRead, AfterSearch)
