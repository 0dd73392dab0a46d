"""One connection that speaks JSON lines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hirehall.errors import TooLarge
from hirehall.service.sessions import Session
from hirehall.wire.codec import BadLine, LineReader

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

CLOGGED_BYTES = 1 << 20  # a peer with more than this unread gets nothing more and is not read
LINGER_SECONDS = 10.0  # a closed connection may take this long to hear the rest
DROP_BYTES = 8 << 20  # a peer with more than this unread is dropped
TLS_HANDSHAKE = b"\x16"  # what a client that expects TLS says first


class LineConnection(asyncio.Protocol):
    """One connection: bytes to messages, answers to bytes. Implements ports.Connection."""

    remote = False  # from beyond this machine

    def __init__(self, hall: Hall, connections: set[LineConnection], *, secured: bool = False) -> None:
        self._hall = hall
        self._connections = connections
        self._reader = LineReader()
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None
        self._begun = False  # something came
        self._spoken = False  # a first line was a command
        self._clogged = False
        self._secured = secured  # by TLS
        self._lingering: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        transport.set_write_buffer_limits(high=CLOGGED_BYTES)
        self._transport = transport
        self._connections.add(self)
        self._session = self._hall.connected(self, remote=self.remote)

    def data_received(self, data: bytes) -> None:
        if not self._begun and data.startswith(TLS_HANDSHAKE):
            self.close()  # no line would ever come: it waits for our part of the handshake
            return
        self._begun = True
        messages = self._reader.feed(data)
        if messages and self._session is not None:
            messages, useless = self._usable(messages)
            self._hall.received(self._session, messages)
            if useless:
                self._dismiss()

    def _dismiss(self) -> None:
        """Read nothing more, and close when all is answered."""
        self.pause()
        if self._session is not None:
            self._hall.dismissed(self._session)

    def _usable(self, messages: list[Any]) -> tuple[list[Any], bool]:
        """What may run, and whether the stream is of no more use after it: a first line that is no command, or a line
        without end, ends a connection before anything behind it can be taken for a command."""
        first = messages[0]
        if not self._spoken and isinstance(first, BadLine):
            return [first], True
        self._spoken = True
        last = messages[-1]
        return messages, isinstance(last, BadLine) and isinstance(last.error, TooLarge)

    def eof_received(self) -> bool:
        """The peer has said everything; it may still listen (`printf ... | nc`), but not with TLS."""
        if self._session is not None:
            self._hall.dismissed(self._session)
        return not self._secured

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.discard(self)
        if self._lingering is not None:
            self._lingering.cancel()
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
        """Close once everything is written, or when the peer has not taken it for a while."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.close()
            self._lingering = asyncio.get_running_loop().call_later(LINGER_SECONDS, self._transport.abort)

    def pause(self) -> None:
        """Read nothing more for now."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def resume(self) -> None:
        """Read on, unless the peer itself is the one that does not read."""
        if self._transport is not None and not self._transport.is_closing() and not self._clogged:
            self._transport.resume_reading()
