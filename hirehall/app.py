"""The composition root: the only file that knows every part."""

from __future__ import annotations

import asyncio
import codecs
import gc
import logging
import os
import pwd
import random
import signal
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hirehall import durable, loops
from hirehall.blobs.local import LocalBlobs
from hirehall.config import Settings, host_and_port, is_loopback
from hirehall.doors.http.door import HttpDoor
from hirehall.doors.places import Places, room_for_connections
from hirehall.doors.tcp import LineDoor
from hirehall.doors.tls import Certificates
from hirehall.errors import BadRequest, HallError, Unavailable
from hirehall.model import Instant
from hirehall.ports import Blobs, Door, Store
from hirehall.refusals import check_access_file, check_directory, check_key, check_settings
from hirehall.service.access import (
    ACCESS_FILE,
    LOCAL,
    ROLES,
    AccessFile,
    Tokens,
    anonymous_identity,
    digest_of,
    local_token,
    write_access_file,
)
from hirehall.service.hall import Hall
from hirehall.service.sessions import Identity
from hirehall.service.steps import LoudHall
from hirehall.stores.sqlite import SQLiteStore

log = logging.getLogger("hirehall")
EXIT_STORE = 74  # EX_IOERR: a supervisor starts the hall again

STORES: dict[str, Callable[[str, int], Store]] = {
    "sqlite": lambda path, ballast: SQLiteStore(path, ballast=ballast << 20),
    "memory": lambda path, ballast: SQLiteStore(),
}


def system_clock() -> Instant:
    """Both clocks of this machine."""
    return Instant(time.monotonic(), time.time_ns() // 1_000_000)


def open_store(url: str, ballast: int) -> Store:
    """The store that a URL's scheme names, with `ballast` MiB for a full disk."""
    scheme, colon, rest = url.partition(":")
    if not colon or scheme not in STORES or (scheme == "sqlite" and not rest):
        raise BadRequest(f"--store {url!r}: write sqlite:PATH or memory:")
    return STORES[scheme](rest, ballast)


def open_blobs(settings: Settings) -> Blobs:
    """The contents of files, in the data directory: twice the ballast stays free for the store."""
    return LocalBlobs(settings.data / "blobs", lambda: system_clock().wall_ms, spare=settings.ballast << 21)


class Building:
    """A hall with its doors, ready to run."""

    def __init__(self, settings: Settings) -> None:
        check_settings(settings)
        self.settings = settings
        anonymous = anonymous_identity(settings.anonymous)
        self.certificates = read_certificates(settings)
        if settings.user:
            become(settings.user)
        self.token = own_token(settings.data)
        miss_the_store(settings)
        tokens = Tokens()
        tokens.add(self.token, Identity(LOCAL, ROLES))
        kind = LoudHall if settings.log_level == "debug" else Hall
        store = open_store(settings.store, settings.ballast)
        self.hall = kind(store, tokens, anonymous, system_clock, random.random, open_blobs(settings))
        self.doors = self._doors()
        self.url = ""
        self.http: str | None = None

    def _doors(self) -> list[Door]:
        host, port = host_and_port(self.settings.tcp)
        tls = None if self.certificates is None else self.certificates.context
        remote = tls is not None or not is_loopback(host)
        places = self._places()
        doors: list[Door] = [LineDoor(self.hall, host=host, port=port, tls=tls, remote=remote, places=places)]
        if self.settings.unix is not None:
            doors.append(LineDoor(self.hall, path=self.settings.unix, places=places))
        doors += self._http_door(tls, places)
        return doors

    def _http_door(self, tls: ssl.SSLContext | None, places: Places) -> list[Door]:
        settings = self.settings
        if settings.http_address is None:
            return []
        host, port = settings.http_address
        return [
            HttpDoor(
                self.hall,
                host=host,
                port=port,
                names=settings.http_names,
                or_any=not settings.http,
                tls=tls,
                remote=tls is not None or not is_loopback(host),
                places=places,
            )
        ]

    def _places(self) -> Places:
        wanted = self.settings.max_connections
        room = room_for_connections(wanted)
        if room < wanted:
            log.warning("room for %d connections, not %d: raise the limit of open files (LimitNOFILE)", room, wanted)
        return Places(room)

    @property
    def http_was_taken(self) -> bool:
        """Whether HTTP is elsewhere than beside TCP, since somebody else is there."""
        return any(isinstance(door, HttpDoor) and door.was_taken for door in self.doors)

    async def open(self) -> None:
        """Start the hall, then its doors, then say where it is."""
        await self.hall.start()
        self.hall.files.quota = self.settings.files_quota << 20 or None
        try:
            addresses = [await door.open() for door in reversed(self.doors)]  # HTTP first: `hello` says where it is
            unix = None if self.settings.unix is None else str(self.settings.unix)
            self.url, self.http = addresses[-1], addresses[0] if self.settings.http_address is not None else None
            certificate = self.settings.tls_cert
            shown = None if certificate is None else str(certificate.absolute())
            write_access_file(self.settings.data, AccessFile(self.url, unix, self.token, self.http, shown))
        except HallError:
            await self.close()
            raise
        log.info("ready on %s", self.url)

    def new_link(self) -> str:
        """An address for a browser that logs in once, as this user."""
        return self.hall.tokens.logins.new_link(digest_of(self.token), self.hall.clock().mono)

    def reload(self) -> None:
        """SIGHUP: read the certificate and its key again, for the connections to come."""
        if self.certificates is None or self.settings.tls_key is None:
            return
        try:
            check_key(self.settings.tls_key)
            self.certificates.reload()
        except HallError as exc:
            log.error("%s; the certificate stays as it was", exc.message)
        else:
            log.warning("certificate %s is read again", self.settings.tls_cert)

    async def close(self) -> None:
        """What came in is committed and answered; then the doors close, then the store."""
        await self.hall.finish()
        for door in self.doors:
            await door.close()
        await self.hall.close()


def read_certificates(settings: Settings) -> Certificates | None:
    """The certificate and key that the settings name."""
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Certificates(settings.tls_cert, settings.tls_key)


def become(user: str) -> None:
    """Be `user` from now on, with no way back. The groups come first: only root can set them."""
    try:
        found = pwd.getpwnam(user)
    except KeyError:
        raise BadRequest(f"--user {user}: there is no such user here") from None
    if found.pw_uid == os.geteuid():
        return
    if os.geteuid() != 0:
        raise BadRequest(f"--user {user}: only root can become another user; start the hall as {user}")
    codecs.lookup("idna")  # for host names, otherwise loaded late: that user may not be able to read this Python
    os.initgroups(user, found.pw_gid)
    os.setgid(found.pw_gid)
    os.setuid(found.pw_uid)


def own_token(directory: Path) -> str:
    """The token that programs of this user find in the data directory, which is made when it is not there."""
    make_directory(directory)
    check_directory(directory)
    token = local_token(directory)
    check_access_file(directory / ACCESS_FILE, token)
    return token


def miss_the_store(settings: Settings) -> None:
    """A hall that has run here before, and whose store is gone, begins without jobs: say so. Where a log is left of it,
    that is not thrown away."""
    path = Path(settings.store.removeprefix("sqlite:"))
    has_run = (settings.data / ACCESS_FILE).exists()
    if not has_run or not settings.store.startswith("sqlite:") or size_of(path):
        return
    if size_of(left := Path(f"{path}-wal")):
        raise BadRequest(
            f"{path} is gone, but its log {left} is not: put that file back beside it, or move the log away"
        )
    log.warning("%s is gone, though a hall has run here before: this one begins without jobs", path)


def size_of(path: Path) -> int:
    """Its bytes; none when it is not there."""
    return path.stat().st_size if path.exists() else 0


def make_directory(path: Path) -> None:
    """The data directory, for this user alone."""
    try:
        durable.make_directory(path)
    except OSError as exc:
        raise Unavailable(f"cannot make {path}: {exc.strerror}; name another directory with --data") from exc


async def run_until_signal(settings: Settings, ready: Callable[[Building], None]) -> int:
    """Serve until SIGTERM or SIGINT; the answer is the exit status."""
    building = Building(settings)
    await building.open()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    is_tls = building.certificates is not None
    loop.add_signal_handler(signal.SIGHUP, building.reload if is_tls else stop.set)  # else the terminal is gone
    gc.freeze()  # what start-up made stays: later collections need not walk it
    gc.set_threshold(50_000, 20, 100)  # jobs in hand are many and hold no cycles
    ready(building)
    stopping = asyncio.ensure_future(stop.wait())
    over = asyncio.ensure_future(building.hall.ending.over.wait())
    watched: set[asyncio.Future[Any]] = {stopping, over, building.hall.failed}
    await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    over.cancel()
    await building.close()
    if building.hall.failed.done():
        log.error("the hall stops: %s", building.hall.failed.result().message)
        return EXIT_STORE
    return 0


def serve(settings: Settings, ready: Callable[[Building], None]) -> int:
    """Run a hall in this process, on uvloop where there is one."""
    os.umask(0o077)  # whatever a hall writes is for its user alone
    with asyncio.Runner(loop_factory=loops.fastest()) as runner:
        return runner.run(run_until_signal(settings, ready))
