"""The line door: JSON lines over TCP and UNIX sockets."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hirehall.doors.connection import LineConnection, error_line
from hirehall.doors.knocks import Knocks, source
from hirehall.doors.listening import Listening, tcp_sockets, unix_socket
from hirehall.doors.places import Place, Places
from hirehall.doors.remote import RemoteConnection
from hirehall.doors.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS
from hirehall.doors.unfinished import Unfinished
from hirehall.errors import Busy, Unavailable

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

PARTING_SECONDS = 0.5  # somebody for whom there is no room may hear that, though it is speaking itself
MOST_PARTING = 32  # of such; beyond that they are closed at once. Their descriptors are among those kept back
DRAIN_BYTES = 1 << 16  # closing a socket with something unread in it would take back what was said


class LineDoor:
    """Listens on one address, TCP (`host`, `port`) or UNIX (`path`); a `remote` one also for other machines. Doors of
    one hall share its `places`. Implements ports.Door."""

    def __init__(
        self,
        hall: Hall,
        *,
        host: str = "",
        port: int = 0,
        path: Path | None = None,
        tls: ssl.SSLContext | None = None,
        remote: bool = False,
        places: Places | None = None,
    ) -> None:
        self._hall = hall
        self._host, self._port, self._path = host, port, path
        self._tls, self._remote = tls, remote
        self._places = Places() if places is None else places
        self._knocks = Knocks()
        self._unfinished = Unfinished()
        self._listening: Listening | None = None
        self._parting: dict[socket.socket, asyncio.TimerHandle] = {}
        self._entering: set[asyncio.Task[None]] = set()  # until their TLS handshake is over
        self._connections: set[LineConnection] = set()

    async def open(self) -> str:
        """Listen; the answer is the URL for clients."""
        try:
            return self._open_unix(self._path) if self._path is not None else await self._open_tcp()
        except OSError as exc:
            where = self._path or f"{self._host}:{self._port}"
            raise Unavailable(f"cannot listen on {where}: {exc.strerror or exc}; name another address") from exc

    async def _open_tcp(self) -> str:
        self._listening = Listening(await tcp_sockets(self._host, self._port), self._take)
        host, port = self._listening.sockets[0].getsockname()[:2]
        scheme = "hall" if self._tls is None else "hall+tls"
        return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"

    def _open_unix(self, path: Path) -> str:
        self._listening = Listening([unix_socket(path)], self._take)
        return f"hall+unix://{path}"

    # Who comes.

    def _take(self, taken: socket.socket, address: Any) -> None:
        try:
            place = self._places.take(source(address) if self._remote else None)
        except Busy as busy:
            self._turn_away(taken, busy)
            return
        task = asyncio.get_running_loop().create_task(self._let_in(taken, place))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    def _turn_away(self, taken: socket.socket, busy: Busy) -> None:
        """In one line, as far as it can be said without a handshake and without waiting."""
        self._hall.metrics.counts["turned_away"] += 1
        if self._tls is None:
            with contextlib.suppress(OSError):
                taken.send(error_line(busy))
                taken.shutdown(socket.SHUT_WR)
        if self._tls is None and len(self._parting) < MOST_PARTING:
            self._parting[taken] = asyncio.get_running_loop().call_later(PARTING_SECONDS, self._part, taken)
        else:
            self._part(taken)

    def _part(self, taken: socket.socket) -> None:
        self._parting.pop(taken, None)
        with contextlib.suppress(OSError):
            taken.recv(DRAIN_BYTES)
        taken.close()

    async def _let_in(self, taken: socket.socket, place: Place) -> None:
        handshake, shutdown = (HANDSHAKE_SECONDS, SHUTDOWN_SECONDS) if self._tls else (None, None)
        transport: asyncio.BaseTransport | None = None
        try:
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._connection(place),
                taken,
                ssl=self._tls,
                ssl_handshake_timeout=handshake,
                ssl_shutdown_timeout=shutdown,
            )
        except OSError:
            pass  # it left, or does not speak TLS
        finally:
            if transport is None:
                place.leave()
                taken.close()

    def _connection(self, place: Place) -> LineConnection:
        hall, connections, unfinished = self._hall, self._connections, self._unfinished
        secured = self._tls is not None
        if self._remote:
            return RemoteConnection(
                hall, connections, self._knocks, secured=secured, place=place, unfinished=unfinished
            )
        return LineConnection(hall, connections, secured=secured, place=place, unfinished=unfinished)

    async def close(self) -> None:
        """Stop listening and close every connection."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()
        for taken, timer in list(self._parting.items()):
            timer.cancel()
            self._part(taken)
        for task in self._entering:
            task.cancel()
        for connection in list(self._connections):
            connection.close()
        if self._path is not None and listening is not None:
            self._path.unlink(missing_ok=True)
