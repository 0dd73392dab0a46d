"""Files of jobs on their way: fetched before a runner is given the job, sent before the hall hears that it is done.

A transfer is an execution like any other: it can be stopped, and its outcome is told. It runs in a thread; beats go on
meanwhile, and with them the lease. Jobs without files and with results of ordinary size never come here.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hirehall.client.address import Address
from hirehall.errors import BadRequest, Forbidden, HallError, NotFound, TooLarge, Unauthenticated, WrongState
from hirehall.model import MAX_BODY
from hirehall.runners.calls import not_begun
from hirehall.runners.folder import has_files, remove
from hirehall.runners.port import Ending, Failure, Outcome, Success, Why, cut, stopped
from hirehall.wire.replies import Delivery
from hirehall.worker.held import Held
from hirehall.worker.stopping import Stop, Stopped

if TYPE_CHECKING:
    from hirehall.client.files import Files
    from hirehall.worker.transfer import Transfer

AT_ONCE = 4  # transfers of a worker; more would only share its connection
FOR_GOOD = (
    BadRequest,
    Forbidden,
    NotFound,
    TooLarge,
    Unauthenticated,
    WrongState,
)  # another attempt would hear the same

Step = Callable[["Transfer"], Outcome | None]


class Carrier:
    """One worker's. All calls come from its loop. `is_connected`: whether the hall has it on the line."""

    def __init__(
        self,
        worker: str,
        is_connected: Callable[[], bool],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self.worker, self.is_connected, self.loop = worker, is_connected, loop
        self.address = Address()
        self.site: str | None = None
        self._base = f"{_temporary()}/hirehall-{secrets.token_hex(8)}"
        self._is_asked = False  # for any directory below
        self._places: set[Held] = set()  # whose directories are there, or will be
        self._in_line: deque[Carriage] = deque()
        self._under_way: set[Carriage] = set()

    def hall_is_at(self, address: Address, site: str | None) -> None:
        """The hall has greeted us, and said where files are."""
        self.address, self.site = address, site
        for carriage in self._under_way:
            carriage.follow(site)

    def folder_of(self, held: Held) -> str:
        """Where its files are. From any thread: nothing is made here, few jobs have any."""
        self._is_asked = True
        return f"{self._base}/{held.id}.{held.attempt}"

    def fetch(self, held: Held, job: Delivery, then: Callable[[], None]) -> Carriage:
        """Its inputs; when they are there, `then` goes on with the job."""

        def step(transfer: Transfer) -> None:
            transfer.fetch(job.files)

        self._places.add(held)
        return self._begin(Carriage(self, held, step, then))

    def send(self, held: Held, success: Success) -> Carriage:
        """What it left, and its result if that is too large for a message."""
        self._places.add(held)
        result = success.result if len(success.result) > MAX_BODY else None

        def step(transfer: Transfer) -> Outcome:
            return Success(transfer.send(result) or success.result)

        carriage = Carriage(self, held, step, None)
        if result is not None and self.site is None:
            carriage.set_result(_too_large(result))
        elif result is None and not has_files(held.folder):
            carriage.set_result(Success(success.result))
        else:
            self._begin(carriage)
        return carriage

    def _begin(self, carriage: Carriage) -> Carriage:
        if len(self._under_way) < AT_ONCE:
            self._start(carriage)
        else:
            self._in_line.append(carriage)
        return carriage

    def _start(self, carriage: Carriage) -> None:
        self._under_way.add(carriage)
        threading.Thread(target=carriage.run, name="hirehall-files", daemon=True).start()

    def left(self, carriage: Carriage) -> None:
        """Its thread has ended: the next one."""
        self._under_way.discard(carriage)
        while self._in_line and len(self._under_way) < AT_ONCE:
            following = self._in_line.popleft()
            if not following.done():
                self._start(following)

    def clear(self, held: Held) -> None:
        """It has its answer: its directory goes, if there is one. What has ended well without files has none."""
        may_be_there = held in self._places or not isinstance(held.answer, Success)
        self._places.discard(held)
        if may_be_there and os.path.lexists(held.folder):
            self.remove(held.folder)

    def remove(self, folder: str) -> None:
        """In a thread: it may be large."""
        threading.Thread(target=remove, args=(folder,), name="hirehall-files", daemon=True).start()

    async def close(self) -> None:
        """The agent has left: nothing of any job stays."""
        for carriage in list(self._under_way):
            carriage.stop("quit")
        if self._is_asked:
            await asyncio.to_thread(remove, self._base)


class Carriage(Ending):
    """One transfer, as an execution. `step` runs in its thread; without an outcome of it `then` goes on."""

    __slots__ = ("_carrier", "_files", "_folder", "_held", "_step", "_stop", "_then")

    def __init__(self, carrier: Carrier, held: Held, step: Step, then: Callable[[], None] | None) -> None:
        super().__init__()
        self._carrier, self._held, self._step, self._then = carrier, held, step, then
        self._folder = held.folder
        self._stop = Stop(carrier.is_connected)
        self._files: Files | None = None

    @property
    def outcome(self) -> Carriage:
        """How it ended: it is told here."""
        return self

    def stop(self, why: Why) -> None:
        """Nobody waits for its thread, which ends at its next piece. What has run is sent before a worker leaves."""
        is_fetch = self._then is not None
        if self.done() or (why == "draining" and not is_fetch):
            return
        self._stop.tell()
        if self._files is not None:
            self._files.hang_up()
        self.set_result(not_begun(why) if is_fetch else stopped(why, "sending its files"))

    def _landed(self, outcome: Outcome | None) -> None:
        self._carrier.left(self)
        if not self.done() and outcome is not None:
            self.set_result(outcome)
        elif not self.done() and self._then is not None:
            self._then()
        elif outcome is None:  # stopped when all was there
            self._carrier.remove(self._folder)

    def follow(self, site: str | None) -> None:
        """The hall is back, there."""
        if site is not None and self._files is not None:
            self._files.move(site)

    # In its thread.

    def run(self) -> None:
        """All of it. Never raises."""
        outcome = self._attempt()
        if outcome is not None:
            remove(self._folder)
        try:
            self._carrier.loop.call_soon_threadsafe(self._landed, outcome)
        except RuntimeError:  # the loop is closed: the process is on its way out
            return

    def _attempt(self) -> Outcome | None:
        doing = "send its files" if self._then is None else "fetch its inputs"
        try:
            return self._step(self._transfer())
        except Stopped:
            return stopped("quit")  # whoever has stopped it has said how
        except HallError as why:
            return Failure(why.code, cut(f"cannot {doing}: {why}"), retry=not isinstance(why, FOR_GOOD))
        except Exception as why:  # mostly OSError: no more room here, or a file that cannot be read
            return Failure(type(why).__name__, cut(f"cannot {doing}: {why}"))

    def _transfer(self) -> Transfer:
        from hirehall.client.files import files_at  # noqa: PLC0415 - few workers need it, and it takes long to load
        from hirehall.worker.transfer import Dogged, Transfer  # noqa: PLC0415

        carrier, held = self._carrier, self._held
        files = self._files = files_at(carrier.address, carrier.site, partial(Dogged, self._stop))
        self.follow(carrier.site)  # should it have moved just now
        return Transfer(files, self._stop, held.id, held.attempt, carrier.worker, self._folder)


def _too_large(result: bytes) -> Failure:
    message = f"the result has {len(result)} bytes: at most {MAX_BODY} are accepted by a hall without an HTTP door"
    return Failure("too_large", f"{message}, which keeps no files; start it with --http", retry=False)


def _temporary() -> str:
    """Where there is none, whoever makes something there will hear it."""
    try:
        return tempfile.gettempdir()
    except FileNotFoundError:
        return "/"
