"""The HTTP door: its own sockets, uvicorn's protocol, our site. It is light until somebody comes."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from hirehall.doors.http.answers import error_body, raw_answer
from hirehall.doors.knocks import Knocks, source
from hirehall.doors.listening import Listening, tcp_sockets
from hirehall.doors.places import Place, Places
from hirehall.doors.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS
from hirehall.doors.unfinished import Unfinished
from hirehall.errors import Busy, Unavailable

if TYPE_CHECKING:
    from hirehall.doors.http.site import Site
    from hirehall.service.hall import Hall

PARTING_SECONDS = 1.0  # for answers under way when the hall ends


class HttpDoor:
    """Listens on one address; `names` are what else it is called in a browser. With `or_any` a free port does where the
    one wanted is taken. Implements ports.Door."""

    def __init__(
        self,
        hall: Hall,
        *,
        host: str,
        port: int,
        names: Iterable[str] = (),
        or_any: bool = False,
        tls: ssl.SSLContext | None = None,
        remote: bool = False,
        places: Places | None = None,
    ) -> None:
        self.hall = hall
        self.names = tuple(name.lower() for name in names)
        self.knocks = Knocks()
        self._host, self._port, self._or_any = host, port, or_any
        self._tls, self._remote = tls, remote
        self._places = Places() if places is None else places
        self._unfinished = Unfinished()
        self._listening: Listening | None = None
        self._site: asyncio.Task[Site] | None = None
        self._entering: set[asyncio.Task[None]] = set()

    async def open(self) -> str:
        """Listen; the answer is the URL for browsers."""
        self._listening = Listening(await self._sockets(), self._take)
        host, port = self._listening.sockets[0].getsockname()[:2]
        scheme = "http" if self._tls is None else "https"
        url = f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
        self.hall.tokens.logins.url = f"{scheme}://{self.names[0]}:{port}" if self.names else url
        return url

    async def _sockets(self) -> list[socket.socket]:
        try:
            return await tcp_sockets(self._host, self._port)
        except OSError as exc:
            if self._or_any:
                return await tcp_sockets(self._host, 0)
            where = f"{self._host}:{self._port}"
            raise Unavailable(f"cannot listen on {where}: {exc.strerror or exc}; name another with --http") from exc

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
        self.hall.metrics.counts["turned_away"] += 1
        with contextlib.suppress(OSError):
            if self._tls is None:
                taken.send(raw_answer(429, error_body(busy)))
                taken.shutdown(socket.SHUT_WR)
                taken.recv(1 << 16)  # closing a socket with something unread in it would take back what was said
        taken.close()

    async def _let_in(self, taken: socket.socket, place: Place) -> None:
        handshake, shutdown = (HANDSHAKE_SECONDS, SHUTDOWN_SECONDS) if self._tls else (None, None)
        transport: asyncio.BaseTransport | None = None
        try:
            site = await self._built()
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: site.connection(place, self._unfinished),
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

    async def _built(self) -> Site:
        """What is behind the door, made once, in a thread: the hall goes on meanwhile."""
        if self._site is None:
            self._site = asyncio.get_running_loop().create_task(self._build())
        return await asyncio.shield(self._site)

    async def _build(self) -> Site:
        from importlib import import_module  # noqa: PLC0415 - see below

        module = await asyncio.to_thread(import_module, "hirehall.doors.http.site")  # large, and not needed by everyone
        return module.Site(self)  # type: ignore[no-any-return]

    async def close(self) -> None:
        """Stop listening, let answers under way leave, close every connection."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.close()
        for task in self._entering:
            task.cancel()
        if self._site is not None and self._site.done() and not self._site.cancelled():
            await self._site.result().close(PARTING_SECONDS)
