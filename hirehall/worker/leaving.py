"""How the agent goes: it says `bye` and waits for the answer, or for a hall that is away as long as its lease lives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from hirehall.client.session import Session
from hirehall.errors import HallError
from hirehall.worker.held import Clock

BYE_SECONDS = 2.0


class Leaving:
    """`over` is done when the agent may end: with the error that made working impossible, if one did."""

    def __init__(
        self, session: Session, clock: Clock, lease_seconds: float, ask: Callable[..., None], over: asyncio.Future[None]
    ) -> None:
        self._session = session
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._ask = ask
        self._has_begun = False
        self.over = over

    def begin(self) -> None:
        """Nothing is in hand any more, or it is given back: say goodbye."""
        if self._has_begun:
            return
        self._has_begun = True
        if not self._session.is_open:
            self.finish()
            return
        self._ask({"cmd": "bye"}, self._answered, self._answered)
        self._clock.call_at(self._clock.time() + BYE_SECONDS, self.finish)

    def limit(self) -> None:
        """A hall that stays away longer than a lease has given our jobs away: do not wait for it for ever."""
        if self._has_begun:
            self.finish()
        self._clock.call_at(self._clock.time() + self._lease_seconds, self._give_up)

    def _answered(self, _word: Any) -> None:
        self.finish()

    def _give_up(self) -> None:
        if not self._session.is_open:
            self.finish()

    def finish(self) -> None:
        """Now."""
        if not self.over.done():
            self.over.set_result(None)

    def fail(self, error: HallError) -> None:
        """The hall does not want this worker."""
        if not self.over.done():
            self.over.set_exception(error)
