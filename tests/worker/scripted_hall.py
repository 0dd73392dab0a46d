"""A hall that does exactly what a test says: a real socket, real lines, no rules of its own."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

PATIENCE_SECONDS = 10.0  # a test that waits longer for a line has failed
WELCOME = {"ok": True, "server": "scripted", "hall": "test", "protocol": 1, "beat_seconds": 10.0}

Message = dict[str, Any]


class Peer(asyncio.Protocol):
    """One connection, as the hall has it."""

    def __init__(self, hall: ScriptedHall) -> None:
        self._hall = hall
        self._rest = b""
        self.heard: asyncio.Queue[Message | None] = asyncio.Queue()
        self.reads = 0  # how often bytes came: one write of the other side is one read at these sizes
        self.transport: asyncio.Transport

    def connection_made(self, transport: Any) -> None:
        self.transport = transport
        self._hall.peers.put_nowait(self)

    def data_received(self, data: bytes) -> None:
        self.reads += 1
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.heard.put_nowait(json.loads(line))

    def connection_lost(self, _exc: Exception | None) -> None:
        self.heard.put_nowait(None)

    async def next(self) -> Message:
        """The next line; fails when the connection is closed instead."""
        message = await asyncio.wait_for(self.heard.get(), PATIENCE_SECONDS)
        assert message is not None, "the connection was closed"
        return message

    async def expect(self, cmd: str) -> Message:
        """The next line, which must be this command."""
        message = await self.next()
        assert message["cmd"] == cmd, message
        return message

    async def until(self, cmd: str) -> Message:
        """The next line of this command; beats and others before it are passed over."""
        while (message := await self.next())["cmd"] != cmd:
            pass
        return message

    async def closed(self) -> None:
        """Wait until the other side has closed."""
        while await asyncio.wait_for(self.heard.get(), PATIENCE_SECONDS) is not None:
            pass

    def unread(self) -> list[Message | None]:
        """What has come and was not looked at."""
        return [self.heard.get_nowait() for _ in range(self.heard.qsize())]

    def say(self, *messages: Message) -> None:
        """Send lines, in one write."""
        self.transport.write(b"".join(json.dumps(message).encode() + b"\n" for message in messages))

    def ok(self, request: Message, **fields: Any) -> None:
        """Reply to a request."""
        self.say({"ok": True, "ref": request["ref"], **fields})

    def error(self, request: Message, code: str, message: str = "no") -> None:
        """Refuse a request."""
        self.say({"error": {"code": code, "message": message}, "ref": request["ref"]})

    async def greet(self, **fields: Any) -> Message:
        """Answer `hello`."""
        hello = await self.expect("hello")
        self.ok(hello, **{**WELCOME, **fields})
        return hello

    async def hire(self, **fields: Any) -> Message:
        """Answer `hello` and `work`: the worker's first words."""
        await self.greet(**fields)
        work = await self.expect("work")
        self.ok(work)
        return work

    def run(self, *jobs: Message) -> None:
        """Deliver jobs."""
        self.say({"run": list(jobs)})

    def cut(self) -> None:
        """Lose the connection."""
        self.transport.abort()


def delivery(
    id: str = "01",  # noqa: A002
    attempt: int = 1,
    kind: str = "echo",
    payload: Any = None,
    **fields: Any,
) -> Message:
    """A job inside a `run` push."""
    job = {
        "id": id,
        "attempt": attempt,
        "kind": kind,
        "queue": "default",
        "payload": payload,
        "lease_seconds": 30.0,
    }
    return {**job, "timeout_seconds": None, "meta": {}, "files": [], **fields}


class ScriptedHall:
    """Listens on a loopback port."""

    def __init__(self) -> None:
        self.peers: asyncio.Queue[Peer] = asyncio.Queue()
        self.url = ""
        self._server: asyncio.Server

    async def open(self) -> Self:
        make: Callable[[], Peer] = lambda: Peer(self)  # noqa: E731
        self._server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.url = f"hall://{host}:{port}"
        return self

    async def peer(self) -> Peer:
        """The next connection."""
        return await asyncio.wait_for(self.peers.get(), PATIENCE_SECONDS)

    def stop_listening(self) -> None:
        """Whoever connects from now on is refused."""
        self._server.close()

    async def close(self) -> None:
        self._server.close()
        await self._server.wait_closed()


@asynccontextmanager
async def scripted_hall() -> AsyncIterator[ScriptedHall]:
    hall = await ScriptedHall().open()
    try:
        yield hall
    finally:
        await hall.close()
