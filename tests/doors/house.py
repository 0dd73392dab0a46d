"""A hall behind one door, and callers who knock: everything over real sockets, every wait with a deadline."""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec

from hirehall.blobs.local import LocalBlobs
from hirehall.core.operations import Batch
from hirehall.doors.tcp import LineDoor
from hirehall.doors.tls import Certificates
from hirehall.model import MAX_MESSAGE, Instant
from hirehall.ports import Blobs, Door
from hirehall.service.access import ROLES, Tokens
from hirehall.service.hall import Hall
from hirehall.service.sessions import ANONYMOUS, Identity
from hirehall.stores.sqlite import SQLiteStore
from tests.certificates import common_pair

DEADLINE_SECONDS = 10.0
HERE = "127.0.0.1"
MakeDoor = Callable[[Hall, Path], Door]

# A new door joins with one row.
DOORS: dict[str, MakeDoor] = {
    "tcp": lambda hall, directory: LineDoor(hall, host=HERE, port=0),
    "tls": lambda hall, directory: LineDoor(hall, host=HERE, port=0, tls=certificates().context),
    "unix": lambda hall, directory: LineDoor(hall, path=directory / "hall.sock"),
}


def certificates() -> Certificates:
    """What a TLS door of the tests shows."""
    return Certificates(common_pair().certificate, common_pair().key)


class WatchedStore(SQLiteStore):
    """In memory; remembers how large each batch was. No batch is durable before `disk` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.sizes: list[int] = []
        self.bytes: list[int] = []
        self.disk = asyncio.Event()
        self.disk.set()

    async def apply(self, batch: Batch) -> None:
        self.sizes.append(batch.size)
        self.bytes.append(batch.bytes)
        await super().apply(batch)
        await self.disk.wait()


class Caller:
    """A client: lines out, lines in."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def write(self, data: bytes) -> None:
        self.writer.write(data)

    def say(self, **command: Any) -> None:
        self.write(msgspec.json.encode(command) + b"\n")

    async def line(self) -> bytes:
        """The next line, or nothing when the hall has closed."""
        with contextlib.suppress(ConnectionError):
            return await asyncio.wait_for(self.reader.readline(), DEADLINE_SECONDS)
        return b""

    async def hear(self) -> dict[str, Any]:
        return msgspec.json.decode(await self.line())

    async def ask(self, **command: Any) -> dict[str, Any]:
        self.say(**command)
        return await self.hear()

    async def is_closed(self) -> bool:
        """Whether the hall has nothing more to say."""
        return await self.line() == b""

    def close(self) -> None:
        self.writer.close()


class House:
    """The hall, its door, and how to call there."""

    def __init__(self, hall: Hall, door: Door, store: WatchedStore) -> None:
        self.hall, self.door, self.store = hall, door, store
        self.url = ""
        self.callers: list[Caller] = []

    async def call(self) -> Caller:
        """A new connection."""
        reader, writer = await dial(self.url)
        self.callers.append(Caller(reader, writer))
        return self.callers[-1]


async def dial(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect to the address that a door told."""
    scheme, _, rest = url.partition("://")
    if scheme == "hall+unix":
        return await asyncio.open_unix_connection(rest, limit=64 * MAX_MESSAGE)
    host, _, port = rest.rpartition(":")
    trust = common_pair().trust() if scheme == "hall+tls" else None
    return await asyncio.open_connection(host.strip("[]"), int(port), limit=64 * MAX_MESSAGE, ssl=trust)


def new_hall(store: SQLiteStore, blobs: Blobs | None = None) -> Hall:
    clock = lambda: Instant(time.monotonic(), time.time_ns() // 1_000_000)  # noqa: E731
    return Hall(store, Tokens(), Identity(ANONYMOUS, ROLES), clock, random.Random(1).random, blobs)


@contextlib.asynccontextmanager
async def open_house(make: MakeDoor, directory: Path) -> AsyncIterator[House]:
    """A hall that listens; at the end nothing of it may have failed."""
    store = WatchedStore()
    hall = new_hall(store, LocalBlobs(directory / "blobs", lambda: time.time_ns() // 1_000_000))
    await hall.start()
    house = House(hall, make(hall, directory), store)
    house.url = await house.door.open()
    try:
        yield house
        assert not hall.failed.done(), hall.failed.result()
    finally:
        store.disk.set()
        for caller in house.callers:
            caller.writer.transport.abort()
        await house.hall.finish()
        await house.door.close()
        await house.hall.close()


def listening_socket(path: Path) -> socket.socket:
    """A UNIX socket in the file system; closing it leaves the file, as a killed hall does."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen()
    return listener


async def until(is_so: Callable[[], bool]) -> None:
    """Let the loop turn until it is so."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        while not is_so():
            await asyncio.sleep(0)
