"""The line door: JSON lines over TCP and UNIX sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from hirehall.errors import TooLarge, Unavailable
from hirehall.model import LONGEST_SOCKET_PATH
from hirehall.service.sessions import Session
from hirehall.wire.codec import BadLine, LineReader

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

BACKLOG = 4096  # asyncio's 100 costs seconds when thousands connect at once
CLOGGED_BYTES = 1 << 20  # a peer with more than this unread gets nothing more and is not read
DROP_BYTES = 8 << 20  # a peer with more than this unread is dropped


class LineConnection(asyncio.Protocol):
    """One connection: bytes to messages, answers to bytes. Implements ports.Connection."""

    def __init__(self, hall: Hall, connections: set[LineConnection]) -> None:
        self._hall = hall
        self._connections = connections
        self._reader = LineReader()
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None
        self._spoken = False  # a first line was a command
        self._clogged = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.set_write_buffer_limits(high=CLOGGED_BYTES)
        self._transport = transport
        self._connections.add(self)
        self._session = self._hall.connected(self)

    def data_received(self, data: bytes) -> None:
        messages = self._reader.feed(data)
        if messages and self._session is not None:
            messages, useless = self._usable(messages)
            self._hall.received(self._session, messages)
            if useless:
                self.pause()
                self._hall.dismissed(self._session)

    def _usable(self, messages: list[object]) -> tuple[list[object], bool]:
        """What may run, and whether the stream is of no more use after it: a first line that is no command, or a line
        without end, ends a connection before anything behind it can be taken for a command."""
        first = messages[0]
        if not self._spoken and isinstance(first, BadLine):
            return [first], True
        self._spoken = True
        last = messages[-1]
        return messages, isinstance(last, BadLine) and isinstance(last.error, TooLarge)

    def eof_received(self) -> bool:
        """The peer has said everything; it may still listen (`printf ... | nc`)."""
        if self._session is not None:
            self._hall.dismissed(self._session)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        session, self._session = self._session, None
        if session is not None:
            self._hall.closed(session)

    def pause_writing(self) -> None:
        """The peer does not read: no more jobs for it, and no more of its commands."""
        self._clogged = True
        self.pause()
        if self._session is not None:
            self._hall.clogged(self._session, True)

    def resume_writing(self) -> None:
        self._clogged = False
        self.resume()
        if self._session is not None:
            self._hall.clogged(self._session, False)

    # What the hall calls.

    def send(self, data: bytes) -> None:
        """Write, or drop a peer that has left too much unread."""
        if self._transport is None or self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > DROP_BYTES:
            self._transport.abort()

    def close(self) -> None:
        """Close once everything is written."""
        if self._transport is not None:
            self._transport.close()

    def pause(self) -> None:
        """Read nothing more for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on, unless the peer itself is the one that does not read."""
        if self._transport is not None and not self._transport.is_closing() and not self._clogged:
            self._transport.resume_reading()


class LineDoor:
    """Listens on one address, TCP (`host`, `port`) or UNIX (`path`). Implements ports.Door."""

    def __init__(self, hall: Hall, *, host: str = "", port: int = 0, path: Path | None = None) -> None:
        self._hall = hall
        self._host, self._port, self._path = host, port, path
        self._server: asyncio.Server | None = None
        self._connections: set[LineConnection] = set()

    def _connection(self) -> LineConnection:
        return LineConnection(self._hall, self._connections)

    async def open(self) -> str:
        """Listen; the answer is the URL for clients."""
        try:
            return await (self._open_unix(self._path) if self._path is not None else self._open_tcp())
        except OSError as exc:
            where = self._path or f"{self._host}:{self._port}"
            raise Unavailable(f"cannot listen on {where}: {exc.strerror or exc}; name another address") from exc

    async def _open_tcp(self) -> str:
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._connection, self._host, self._port, backlog=BACKLOG)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"hall://[{host}]:{port}" if ":" in host else f"hall://{host}:{port}"

    async def _open_unix(self, path: Path) -> str:
        if len(os.fsencode(path)) > LONGEST_SOCKET_PATH:
            raise Unavailable(
                f"{path} is too long for a UNIX socket ({LONGEST_SOCKET_PATH} bytes at most): name another with --unix"
            )
        _remove_stale_socket(path)
        before = os.umask(0o177)  # from its first moment, only this user may connect
        try:
            self._server = await asyncio.get_running_loop().create_unix_server(
                self._connection, str(path), backlog=BACKLOG
            )
        finally:
            os.umask(before)
        return f"hall+unix://{path}"

    async def close(self) -> None:
        """Stop listening and close every connection."""
        if self._server is not None:
            self._server.close()
        for connection in list(self._connections):
            connection.close()
        if self._path is not None and self._server is not None:
            self._path.unlink(missing_ok=True)


def _remove_stale_socket(path: Path) -> None:
    """A hall that was killed leaves its socket behind; one that answers is alive."""
    try:
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise Unavailable(f"{path} is there and is no socket: name another path with --unix")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(str(path))
        except OSError:
            path.unlink(missing_ok=True)
        else:
            raise Unavailable(f"a hall is listening on {path} already: stop it, or name another path with --unix")
