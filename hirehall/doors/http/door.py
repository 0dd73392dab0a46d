"""The HTTP door: its own sockets, uvicorn's protocol, our site. It is light until somebody comes."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from typing import TYPE_CHECKING

from hirehall.doors.entrance import Entrance, Maker, Manner
from hirehall.doors.http.answers import error_body, raw_answer
from hirehall.doors.knocks import Knocks
from hirehall.doors.listening import tcp_sockets
from hirehall.doors.places import Places
from hirehall.doors.unfinished import Unfinished
from hirehall.errors import Busy, Unavailable

if TYPE_CHECKING:
    from hirehall.doors.http.site import Site
    from hirehall.service.hall import Hall

PARTING_SECONDS = 1.0  # for answers under way when the hall ends


class HttpDoor:
    """Listens on one address; `names` are what else it is called in a browser. With `or_any` a free port does where the
    one wanted is taken, and `was_taken` says so. Implements ports.Door."""

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
        self.was_taken = False
        self._host, self._port, self._or_any = host, port, or_any
        self._tls, self._remote = tls, remote
        self._places = Places() if places is None else places
        self._unfinished = Unfinished()
        self._entrance: Entrance | None = None
        self._site: asyncio.Task[Site] | None = None

    async def open(self) -> str:
        """Listen; the answer is the URL for browsers."""
        manner = Manner("http", _refusal, self._maker)
        sockets = await self._sockets()
        self._entrance = Entrance(self.hall, manner, sockets, self._places, tls=self._tls, remote=self._remote)
        scheme, where = "http" if self._tls is None else "https", self._entrance.where
        named = f"{self.names[0]}:{where.rpartition(':')[2]}" if self.names else where
        self.hall.tokens.logins.url = f"{scheme}://{named}"
        return f"{scheme}://{where}"

    async def _sockets(self) -> list[socket.socket]:
        try:
            return await tcp_sockets(self._host, self._port)
        except OSError as exc:
            if self._or_any:
                self.was_taken = True
                return await tcp_sockets(self._host, 0)
            where = f"{self._host}:{self._port}"
            raise Unavailable(f"cannot listen on {where}: {exc.strerror or exc}; name another with --http") from exc

    # Who comes.

    async def _maker(self) -> Maker:
        site = await self.site()
        return lambda place: site.connection(place, self._unfinished)

    async def site(self) -> Site:
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
        entrance, self._entrance = self._entrance, None
        if entrance is not None:
            entrance.close()
        if self._site is not None and self._site.done() and not self._site.cancelled():
            await self._site.result().close(PARTING_SECONDS)


def _refusal(busy: Busy) -> bytes:
    return raw_answer(429, error_body(busy))
