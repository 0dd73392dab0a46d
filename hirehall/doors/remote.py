"""Connections from beyond this machine: whoever can reach the door may knock, so little is given before hello."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hirehall.doors.connection import LineConnection, error_line
from hirehall.doors.knocks import Knocks, source
from hirehall.doors.places import Place
from hirehall.doors.unfinished import Unfinished
from hirehall.errors import Busy, TooLarge, Unauthenticated
from hirehall.wire.codec import BadLine
from hirehall.wire.requests import Hello

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

HELLO_SECONDS = 10.0  # from the connection to a hello that counts
HELLO_BYTES = 4_096


class RemoteConnection(LineConnection):
    """Nobody is anonymous; hello comes first, short and soon; an address that fails too often has to wait."""

    remote = True

    def __init__(
        self,
        hall: Hall,
        connections: set[LineConnection],
        knocks: Knocks,
        *,
        secured: bool,
        place: Place,
        unfinished: Unfinished,
    ) -> None:
        super().__init__(hall, connections, secured=secured, place=place, unfinished=unfinished)
        self._knocks = knocks
        self._source = ""
        self._hello_bytes = 0
        self._patience: asyncio.TimerHandle | None = None  # runs until hello is said

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        loop = asyncio.get_running_loop()
        self._source = source(transport.get_extra_info("peername"))
        if self._knocks.must_wait(self._source, loop.time()):
            busy = Busy(f"too many wrong tokens from {self._source}: try again in a minute")
            transport.write(error_line(busy))
            transport.close()
            return
        super().connection_made(transport)
        self._patience = loop.call_later(HELLO_SECONDS, self._out_of_time)

    def data_received(self, data: bytes) -> None:
        if self._patience is None:
            super().data_received(data)
            return
        self._hello_bytes += len(data.partition(b"\n")[0])
        if self._hello_bytes > HELLO_BYTES:
            self._refuse(TooLarge(f"hello takes at most {HELLO_BYTES} bytes"))
        else:
            super().data_received(data)
        self._judge()

    def _usable(self, messages: list[Any]) -> tuple[list[Any], bool]:
        first = messages[0]
        if not self._spoken and type(first) not in (Hello, BadLine):
            return [BadLine(Unauthenticated("say hello with a token first"), first.ref)], True
        return super()._usable(messages)

    def _out_of_time(self) -> None:
        self._refuse(Unauthenticated(f"say hello with a token within {HELLO_SECONDS:g} seconds"))
        self._judge()

    def _judge(self) -> None:
        """Once hello is said, or can be said no more."""
        session = self._session
        if self._patience is not None and session is not None and (session.greeted or session.leaving):
            self._patience.cancel()
            self._patience = None
            if session.greeted and self._place is not None:
                self._place.greeted()
            if not session.greeted:
                self._knocks.failed(self._source, asyncio.get_running_loop().time())

    def connection_lost(self, exc: Exception | None) -> None:
        if self._patience is not None:
            self._patience.cancel()
        super().connection_lost(exc)
