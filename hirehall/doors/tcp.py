"""The line door: JSON lines over TCP and UNIX sockets."""

from __future__ import annotations

import asyncio
import os
import socket
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from hirehall.doors.connection import LineConnection
from hirehall.doors.knocks import Knocks
from hirehall.doors.remote import RemoteConnection
from hirehall.doors.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS
from hirehall.errors import Unavailable
from hirehall.model import LONGEST_SOCKET_PATH

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

BACKLOG = 4096  # asyncio's 100 costs seconds when thousands connect at once


class LineDoor:
    """Listens on one address, TCP (`host`, `port`) or UNIX (`path`); a `remote` one also for other machines.
    Implements ports.Door."""

    def __init__(
        self,
        hall: Hall,
        *,
        host: str = "",
        port: int = 0,
        path: Path | None = None,
        tls: ssl.SSLContext | None = None,
        remote: bool = False,
    ) -> None:
        self._hall = hall
        self._host, self._port, self._path = host, port, path
        self._tls, self._remote = tls, remote
        self._knocks = Knocks()
        self._server: asyncio.Server | None = None
        self._connections: set[LineConnection] = set()

    def _connection(self) -> LineConnection:
        secured = self._tls is not None
        if self._remote:
            return RemoteConnection(self._hall, self._connections, self._knocks, secured=secured)
        return LineConnection(self._hall, self._connections, secured=secured)

    async def open(self) -> str:
        """Listen; the answer is the URL for clients."""
        try:
            return await (self._open_unix(self._path) if self._path is not None else self._open_tcp())
        except OSError as exc:
            where = self._path or f"{self._host}:{self._port}"
            raise Unavailable(f"cannot listen on {where}: {exc.strerror or exc}; name another address") from exc

    async def _open_tcp(self) -> str:
        loop = asyncio.get_running_loop()
        handshake, shutdown = (HANDSHAKE_SECONDS, SHUTDOWN_SECONDS) if self._tls else (None, None)
        self._server = await loop.create_server(
            self._connection,
            self._host,
            self._port,
            backlog=BACKLOG,
            ssl=self._tls,
            ssl_handshake_timeout=handshake,
            ssl_shutdown_timeout=shutdown,
        )
        host, port = self._server.sockets[0].getsockname()[:2]
        scheme = "hall" if self._tls is None else "hall+tls"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

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
