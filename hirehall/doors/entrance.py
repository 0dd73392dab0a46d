"""Where connections come in, whatever they speak: each gets a place, or hears why there is none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

from hirehall.doors.knocks import source
from hirehall.doors.listening import Listening
from hirehall.doors.places import Place, Places
from hirehall.doors.tls import HANDSHAKE_SECONDS, SHUTDOWN_SECONDS
from hirehall.errors import Busy

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

PARTING_SECONDS = 0.5  # somebody for whom there is no room may hear that, though it is speaking itself
MOST_PARTING = 32  # of such; beyond that they are closed at once. Their descriptors are among those kept back
DRAIN_BYTES = 1 << 16  # closing a socket with something unread in it would take back what was said
Maker = Callable[[Place], asyncio.BaseProtocol]


class Manner(NamedTuple):
    """What is a door's own: the `name` in figures, what it says to who finds no place, and who speaks on a connection,
    which may have to be made ready first."""

    name: str
    refusal: Callable[[Busy], bytes]
    maker: Callable[[], Awaitable[Maker]]


class Entrance:
    """The sockets of one door. A `remote` one is for other machines too, whose strangers have few places."""

    def __init__(
        self,
        hall: Hall,
        manner: Manner,
        sockets: list[socket.socket],
        places: Places,
        *,
        tls: ssl.SSLContext | None,
        remote: bool,
    ) -> None:
        self._hall, self._manner, self._places = hall, manner, places
        self._tls, self._remote = tls, remote
        self._parting: dict[socket.socket, asyncio.TimerHandle] = {}
        self._entering: set[asyncio.Task[None]] = set()  # until their TLS handshake is over
        self._hall.metrics.listening(manner.name)
        self._listening = Listening(sockets, self._take)

    @property
    def where(self) -> str:
        """`HOST:PORT` of the first socket, as addresses have it."""
        host, port = self._listening.sockets[0].getsockname()[:2]
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def _take(self, taken: socket.socket, address: Any) -> None:
        try:
            place = self._places.take(source(address) if self._remote else None)
        except Busy as busy:
            self._turn_away(taken, busy)
            return
        place.peer = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "unix"
        place.at_end = partial(self._hall.metrics.left, self._manner.name)
        self._hall.metrics.entered(self._manner.name)
        task = asyncio.get_running_loop().create_task(self._let_in(taken, place))
        self._entering.add(task)
        task.add_done_callback(self._entering.discard)

    def _turn_away(self, taken: socket.socket, busy: Busy) -> None:
        """In few words, as far as they can be said without a handshake and without waiting."""
        self._hall.metrics.turned_away(self._manner.name)
        if self._tls is None:
            with contextlib.suppress(OSError):
                taken.send(self._manner.refusal(busy))
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
            make = await self._manner.maker()
            transport, _ = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: make(place),
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

    def close(self) -> None:
        """Take nobody any more; who has come in stays."""
        self._listening.close()
        for taken, timer in list(self._parting.items()):
            timer.cancel()
            self._part(taken)
        for task in self._entering:
            task.cancel()
