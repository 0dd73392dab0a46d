"""The line door: JSON lines over TCP and UNIX sockets."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

from hirehall.doors.connection import LineConnection, error_line
from hirehall.doors.entrance import Entrance, Maker, Manner
from hirehall.doors.knocks import Knocks
from hirehall.doors.listening import tcp_sockets, unix_socket
from hirehall.doors.places import Place, Places
from hirehall.doors.remote import RemoteConnection
from hirehall.doors.unfinished import Unfinished
from hirehall.errors import Unavailable

if TYPE_CHECKING:
    from hirehall.service.hall import Hall


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
        self._entrance: Entrance | None = None
        self._connections: set[LineConnection] = set()

    async def open(self) -> str:
        """Listen; the answer is the URL for clients."""
        try:
            return self._open_unix(self._path) if self._path is not None else await self._open_tcp()
        except OSError as exc:
            where = self._path or f"{self._host}:{self._port}"
            raise Unavailable(f"cannot listen on {where}: {exc.strerror or exc}; name another address") from exc

    async def _open_tcp(self) -> str:
        entrance = self._listen("tcp", await tcp_sockets(self._host, self._port))
        return f"{'hall' if self._tls is None else 'hall+tls'}://{entrance.where}"

    def _open_unix(self, path: Path) -> str:
        self._listen("unix", [unix_socket(path)])
        return f"hall+unix://{path}"

    def _listen(self, name: str, sockets: list[socket.socket]) -> Entrance:
        manner = Manner(name, error_line, self._maker)
        self._entrance = Entrance(self._hall, manner, sockets, self._places, tls=self._tls, remote=self._remote)
        return self._entrance

    async def _maker(self) -> Maker:
        return self._connection

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
        entrance, self._entrance = self._entrance, None
        if entrance is not None:
            entrance.close()
        for connection in list(self._connections):
            connection.close()
        if self._path is not None and entrance is not None:
            self._path.unlink(missing_ok=True)
