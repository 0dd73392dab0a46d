"""One raw connection of a crowd: lines out, lines in, nothing of the server's code."""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, cast

Message = dict[str, Any]
PATIENCE = 60.0  # seconds that an answer may take before a crowd gives up


class Peer(asyncio.Protocol):
    """Replies come to whoever asked, in their order; what the hall says on its own goes to `hear`."""

    def __init__(self, hear: Callable[[Message], None] = lambda message: None) -> None:
        loop = asyncio.get_running_loop()
        self.transport: asyncio.Transport | None = None
        self.lost: asyncio.Future[float] = loop.create_future()  # when
        self.error = ""  # the code of the last error that nobody had asked for
        self._hear = hear
        self._asked: deque[asyncio.Future[Message]] = deque()
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._take(json.loads(line))

    def _take(self, message: Message) -> None:
        if not ("ok" in message or "error" in message):
            self._hear(message)
        elif self._asked:
            future = self._asked.popleft()
            if not future.done():
                future.set_result(message)
        elif "error" in message:
            self.error = message["error"]["code"]

    def connection_lost(self, _exc: Exception | None) -> None:
        if not self.lost.done():
            self.lost.set_result(asyncio.get_running_loop().time())
        for future in self._asked:
            if not future.done():
                future.set_result({"lost": True})
        self._asked.clear()

    def write(self, data: bytes) -> None:
        if self.transport is not None and not self.transport.is_closing():
            self.transport.write(data)

    def post(self, command: Message) -> asyncio.Future[Message]:
        """Say it; the answer comes later. A connection that is lost answers `lost`."""
        future: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        if self.lost.done():
            future.set_result({"lost": True})
        else:
            self._asked.append(future)
            self.write(json.dumps(command).encode() + b"\n")
        return future

    async def ask(self, cmd: str, **fields: Any) -> Message:
        return await asyncio.wait_for(self.post({"cmd": cmd, **fields}), PATIENCE)

    def close(self) -> None:
        if self.transport is not None:
            self.transport.abort()


async def connect(url: str, hear: Callable[[Message], None] = lambda message: None) -> Peer:
    """A connection that has said nothing yet. Raises OSError."""
    host, _, port = url.partition("://")[2].rpartition(":")
    loop = asyncio.get_running_loop()
    _, peer = await asyncio.wait_for(loop.create_connection(lambda: Peer(hear), host, int(port)), PATIENCE)
    return peer


async def greet(url: str, token: str, hear: Callable[[Message], None] = lambda message: None, **fields: Any) -> Peer:
    """A connection that has said hello. Raises OSError, also when the hall does not want it."""
    peer = await connect(url, hear)
    reply = await peer.ask("hello", token=token, **fields)
    if not reply.get("ok"):
        peer.close()
        raise ConnectionError(f"refused: {reply}")
    return peer


async def few_at_once(calls: Iterable[Callable[[], Awaitable[Any]]], at_once: int) -> list[Any]:
    """All of them, `at_once` of them at a time."""
    gate = asyncio.Semaphore(at_once)

    async def one(call: Callable[[], Awaitable[Any]]) -> Any:
        async with gate:
            return await call()

    return await asyncio.gather(*[one(call) for call in calls])


def quantile(values: list[float], part: float) -> float:
    """In milliseconds, of seconds; 0 of none."""
    ranked = sorted(values)
    return round(ranked[min(int(len(ranked) * part), len(ranked) - 1)] * 1000, 2) if ranked else 0.0
