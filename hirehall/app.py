"""The composition root: the only file that knows every part."""

from __future__ import annotations

import asyncio
import gc
import logging
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hirehall.config import Settings, check_loopback, host_and_port
from hirehall.doors.tcp import LineDoor
from hirehall.errors import BadRequest, HallError, Unavailable
from hirehall.model import Instant
from hirehall.ports import Door, Store
from hirehall.service.access import ROLES, AccessFile, Tokens, anonymous_identity, local_token, write_access_file
from hirehall.service.hall import Hall
from hirehall.service.sessions import Identity
from hirehall.stores.sqlite import SQLiteStore

log = logging.getLogger("hirehall")
EXIT_STORE = 74  # EX_IOERR: a supervisor starts the hall again

STORES: dict[str, Callable[[str], Store]] = {
    "sqlite": SQLiteStore,
    "memory": lambda _: SQLiteStore(),
}


def system_clock() -> Instant:
    """Both clocks of this machine."""
    return Instant(time.monotonic(), time.time_ns() // 1_000_000)


def open_store(url: str) -> Store:
    """The store that a URL's scheme names."""
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in STORES or (scheme == "sqlite" and not rest):
        raise BadRequest(f"--store {url!r}: write sqlite:PATH or memory:")
    return STORES[scheme](rest)


class Building:
    """A hall with its doors, ready to run."""

    def __init__(self, settings: Settings) -> None:
        host, port = host_and_port(settings.tcp)
        check_loopback(host)
        self.settings = settings
        anonymous = anonymous_identity(settings.anonymous)
        make_directory(settings.data)
        self.token = local_token(settings.data)
        tokens = Tokens()
        tokens.add(self.token, Identity("local", ROLES))
        self.hall = Hall(open_store(settings.store), tokens, anonymous, system_clock, random.random)
        self.doors: list[Door] = [LineDoor(self.hall, host=host, port=port)]
        if settings.unix is not None:
            self.doors.append(LineDoor(self.hall, path=settings.unix))
        self.url = ""

    async def open(self) -> None:
        """Start the hall, then its doors, then say where it is."""
        await self.hall.start()
        try:
            addresses = [await door.open() for door in self.doors]
            unix = None if self.settings.unix is None else str(self.settings.unix)
            write_access_file(self.settings.data, AccessFile(addresses[0], unix, self.token))
        except HallError:
            await self.close()
            raise
        self.url = addresses[0]

    async def close(self) -> None:
        """What came in is committed and answered; then the doors close, then the store."""
        await self.hall.finish()
        for door in self.doors:
            await door.close()
        await self.hall.close()


def make_directory(path: Path) -> None:
    """The data directory, for this user alone."""
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as exc:
        raise Unavailable(f"cannot make {path}: {exc.strerror}; name another directory with --data") from exc


async def run_until_signal(settings: Settings, ready: Callable[[Building], None]) -> int:
    """Serve until SIGTERM or SIGINT; the answer is the exit status."""
    building = Building(settings)
    await building.open()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    gc.freeze()  # what start-up made stays: later collections need not walk it
    gc.set_threshold(50_000, 20, 100)  # jobs in hand are many and hold no cycles
    ready(building)
    stopping = asyncio.ensure_future(stop.wait())
    watched: set[asyncio.Future[Any]] = {stopping, building.hall.failed}
    await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    await building.close()
    if building.hall.failed.done():
        log.error("the hall stops: %s", building.hall.failed.result().message)
        return EXIT_STORE
    return 0


def serve(settings: Settings, ready: Callable[[Building], None]) -> int:
    """Run a hall in this process, on uvloop where there is one."""
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return asyncio.run(run_until_signal(settings, ready))
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(run_until_signal(settings, ready))
