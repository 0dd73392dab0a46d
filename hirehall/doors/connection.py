"""One connection that speaks JSON lines."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from hirehall.doors.places import Place
from hirehall.doors.unfinished import LINE_SECONDS, Unfinished
from hirehall.errors import BadRequest, HallError, TooLarge
from hirehall.keepalive import is_silence
from hirehall.service.sessions import Session
from hirehall.wire.codec import BadLine, LineReader, encode
from hirehall.wire.replies import ErrorBody, ErrorReply

if TYPE_CHECKING:
    from hirehall.service.hall import Hall

CLOGGED_BYTES = 1 << 20  # a peer with more than this unread gets nothing more and is not read
LINGER_SECONDS = 10.0  # a closed connection may take this long to hear the rest
DROP_BYTES = 8 << 20  # a peer with more than this unread is dropped
TLS_HANDSHAKE = b"\x16"  # what a client that expects TLS says first


def error_line(error: HallError) -> bytes:
    """`error` as a line, for who has no session."""
    return encode(ErrorReply(error=ErrorBody(error.code, error.message))) + b"\n"


class LineConnection(asyncio.Protocol):
    """One connection: bytes to messages, answers to bytes. Implements ports.Connection. It gives its `place` back at
    its end, and `unfinished` looks after its lines."""

    remote = False  # from beyond this machine

    def __init__(
        self,
        hall: Hall,
        connections: set[LineConnection],
        *,
        secured: bool = False,
        place: Place | None = None,
        unfinished: Unfinished | None = None,
    ) -> None:
        self._hall = hall
        self._place = place
        self._unfinished = unfinished
        self._midway = False  # a line has begun
        self.is_paused = False
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
        self._session.peer = self._place.peer if self._place is not None else ""

    def data_received(self, data: bytes) -> None:
        if not self._begun and data.startswith(TLS_HANDSHAKE):
            self.close()  # no line would ever come: it waits for our part of the handshake
            return
        self._begun = True
        messages = self._reader.feed(data)
        if self._unfinished is not None:
            self._look_at_line(self._unfinished, bool(messages))
        if messages and self._session is not None:
            messages, useless = self._usable(messages)
            self._hall.received(self._session, messages)
            if useless:
                self._dismiss()

    def _look_at_line(self, unfinished: Unfinished, one_ended: bool) -> None:
        was_midway, self._midway = self._midway, self._reader.is_midway
        if self._midway and (one_ended or not was_midway):
            unfinished.begun(self)
        elif was_midway and not self._midway:
            unfinished.ended(self)

    def line_is_late(self) -> None:
        """It has begun a line and does not go on."""
        self._refuse(BadRequest(f"a line that is begun must be at its end within {LINE_SECONDS} seconds"))

    def _refuse(self, error: HallError) -> None:
        """Say why, and close."""
        if self._session is not None:
            self._hall.received(self._session, [BadLine(error)])
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
        if self._unfinished is not None:
            self._unfinished.ended(self)
        if self._place is not None:
            self._place.leave()
        session, self._session = self._session, None
        if session is not None:
            self._hall.closed(session, is_silent=is_silence(exc))

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
            self.is_paused = True

    def resume(self) -> None:
        """Read on, unless the peer itself is the one that does not read."""
        if self._transport is not None and not self._transport.is_closing() and not self._clogged:
            self._transport.resume_reading()
            self.is_paused = False
