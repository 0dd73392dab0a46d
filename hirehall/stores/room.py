"""Whether a store has room for new jobs: what it does when its disk is full, and when there is space again."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import apsw

from hirehall.errors import StorageFull
from hirehall.stores.ballast import LOOK_SECONDS, MIB, Ballast

log = logging.getLogger("hirehall")


class Room:
    """Looks at the disk of one open database. `refusal` is what new jobs are answered; None while they are taken."""

    def __init__(self, ballast: Ballast, db: apsw.Connection, shorten_log: Callable[[], Awaitable[None]]) -> None:
        self.ballast = ballast
        self._shorten_log = shorten_log
        self.refusal: StorageFull | None = None
        self._db = db
        self._watching: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Have the ballast in its place; without room for it the store is full from the beginning."""
        if not await asyncio.to_thread(self.ballast.prepare) or self.ballast.is_low(self._db):
            self._fill()
            self.ballast.leave_some()

    def look(self, stored: int) -> None:
        """Before a batch that will store so many bytes: is little left?"""
        if self.refusal is None and self.ballast.is_low(self._db, stored):
            self._fill()

    def make(self) -> bool:
        """A commit found no space: give the ballast up. False when there is none."""
        if not self.ballast.give_up():
            return False
        log.warning("no space left for %s: the ballast is given up", self.ballast.database)
        if self.refusal is None:
            self._fill()
        return True

    def close(self) -> None:
        """Look no more."""
        if self._watching is not None:
            self._watching.cancel()

    def _fill(self) -> None:
        database = self.ballast.database
        least = -(-self.ballast.needed_bytes // MIB)
        self.refusal = StorageFull(
            f"the disk of {database} is full: free some space there, until {least} MiB are free, and try again;"
            " results, cancels and removes are still taken"
        )
        log.warning("the disk of %s is full: no new jobs are taken until %s MiB are free there", database, least)
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if await self._has_space():
                break
        self.refusal = None
        log.warning("the disk of %s has space again: new jobs are taken", self.ballast.database)

    async def _has_space(self) -> bool:
        """Space again, and the ballast in its place. Who cannot look waits on: a batch will find out why."""
        try:
            if not self.ballast.has_room(self._db):
                return False
            if await asyncio.to_thread(self.ballast.prepare):
                return True
            if self.ballast.fits_with_log:  # the log has grown into its room, and there is room inside the file
                await self._shorten_log()
            return await asyncio.to_thread(self.ballast.prepare)
        except (OSError, apsw.Error):
            return False


def is_full(error: apsw.Error) -> bool:
    """Whether SQLite found no space; for the index of its log it has a code of its own."""
    return isinstance(error, apsw.FullError) or getattr(error, "extendedresult", 0) == apsw.SQLITE_IOERR_SHMSIZE
