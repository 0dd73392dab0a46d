"""A session on an asyncio transport: connects, reads, writes once per loop turn, and connects again when it
must."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import cast

from hirehall.client.address import Address
from hirehall.client.backoff import MOST_SECONDS, full_jitter
from hirehall.client.outcomes import Broken
from hirehall.client.reach import CONNECT_SECONDS, FATAL, Unanswered, closed, is_refused, silent, unreachable
from hirehall.client.session import Session, Welcome
from hirehall.client.tls import context_for
from hirehall.errors import HallError, Unavailable
from hirehall.keepalive import CLIENT, keep_alive

LINGER_SECONDS = 5.0
STEADY_SECONDS = 5.0  # a connection that lasted this long was a good one: the next backoff begins anew


class Wire(asyncio.Protocol):
    """One connection of a link. Its own object, so that a late word of an old connection cannot touch a new
    one."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._transport: asyncio.Transport | None = None
        self._paused = False

    @property
    def is_writable(self) -> bool:
        """Whether the peer takes what is written."""
        return not self._paused and self._transport is not None

    def write(self, data: bytes) -> None:
        """Send `data`; nothing when the connection is gone."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """Close once everything is written."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Close now."""
        if self._transport is not None:
            self._transport.abort()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        keep_alive(transport.get_extra_info("socket"), CLIENT)

    def data_received(self, data: bytes) -> None:
        self._link.received(self, data)

    def pause_writing(self) -> None:
        self._paused = True

    def resume_writing(self) -> None:
        self._paused = False
        self._link.flush()

    def connection_lost(self, _exc: Exception | None) -> None:
        self._transport = None
        self._link.lost(self)


class Link:
    """The connection under a session. Reconnects until `close`, or for `patience_seconds` after a loss, waiting at most
    `most_seconds` before each attempt."""

    def __init__(
        self,
        session: Session,
        locate: Callable[[], Address],
        *,
        patience_seconds: float = float("inf"),
        most_seconds: float = MOST_SECONDS,
        on_lost: Callable[[], None] | None = None,
        on_refused: Callable[[], None] | None = None,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._session = session
        self._locate = locate
        self._patience = patience_seconds
        self._on_lost = on_lost
        self._on_refused = on_refused  # nobody listens there: the hall is gone
        self._chance = chance
        self._most = min(most_seconds, MOST_SECONDS)  # a hall that is back waits for its workers one lease long
        self.loop = asyncio.get_running_loop()
        self._delays = self._new_delays()
        self._greeted_at = self.loop.time()
        self._wire = Wire(self)
        self.address = Address()  # where the hall is, or was when it was last there
        self._why: HallError | None = None
        self._closing = False
        self._scheduled = False
        self._reconnecting: asyncio.Task[None] | None = None
        # No connection, now or ever again: why, or None when it was closed on purpose.
        self.gone: asyncio.Future[HallError | None] = self.loop.create_future()

    # Connecting.

    def _new_delays(self) -> Iterator[float]:
        return full_jitter(self._chance, most=self._most)

    async def connect(self) -> Welcome:
        """Connect and greet, once. Raises Unavailable, or the hall's refusal."""
        address = self.address = self._find()
        self._session.token = address.token
        greeted: asyncio.Future[Welcome] = self.loop.create_future()
        wire = self._wire = Wire(self)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                await self._open(wire, address)
                wire.write(self._session.greet(greeted))
                welcome = await greeted
                self._greeted_at = self.loop.time()
                return welcome
        except TimeoutError:
            raise silent(address) from None
        except Unanswered:
            raise closed(address) from None
        except OSError as why:
            if is_refused(why):
                self._refused()
            raise unreachable(address, why) from why
        finally:
            if not self._session.is_open:
                wire.abort()

    def _find(self) -> Address:
        """A hall that has left takes its access file along."""
        try:
            return self._locate()
        except Unavailable:
            self._refused()
            raise

    def _refused(self) -> None:
        if self._on_refused is not None:
            self._on_refused()

    async def _open(self, wire: Wire, address: Address) -> None:
        if address.path:
            await self.loop.create_unix_connection(lambda: wire, address.path)
        elif address.tls:
            await self.loop.create_connection(lambda: wire, address.host, address.port, ssl=context_for(address))
        else:
            await self.loop.create_connection(lambda: wire, address.host, address.port)

    async def connect_patiently(self, report: Callable[[HallError], None] | None = None) -> None:
        """Connect, however long that takes; `report` hears of every failure. Raises what trying again cannot
        help."""
        started = self.loop.time()
        while True:
            try:
                await self.connect()
            except FATAL:
                raise
            except HallError as why:
                if self.loop.time() - started > self._patience:
                    raise Unavailable(f"{why} (tried for {self._patience:g} s)") from why
                if report is not None:
                    report(why)
            else:
                return
            await asyncio.sleep(next(self._delays))

    async def _reconnect(self) -> None:
        """A hall that greets and then closes, again and again (it knows another worker by our name, say), is not
        asked faster than one that does not answer."""
        if self.loop.time() - self._greeted_at >= STEADY_SECONDS:
            self._delays = self._new_delays()
        await asyncio.sleep(next(self._delays))
        try:
            await self.connect_patiently()
        except HallError as why:
            self._finish(why)

    # What the connection says.

    def received(self, wire: Wire, data: bytes) -> None:
        """Bytes came in."""
        if wire is not self._wire:
            return
        try:
            self._session.received(data)
        except Broken as why:
            self._why = why
            wire.abort()
        if self._session.has_output:
            self.wake()

    def lost(self, wire: Wire) -> None:
        """The connection is closed."""
        if wire is not self._wire:
            return
        was_open = self._session.is_open
        why, self._why = self._why, None
        self._session.lost(why)
        if was_open and self._on_lost is not None:
            self._on_lost()
        if self._closing:
            self._finish(None)
        elif was_open:
            self._reconnecting = self.loop.create_task(self._reconnect())

    # For whoever uses the session.

    @property
    def is_writable(self) -> bool:
        """Whether the hall takes what is written now."""
        return self._wire.is_writable

    def wake(self) -> None:
        """The session has something to say: write it at the end of this loop turn, with all that joins it."""
        if not self._scheduled:
            self._scheduled = True
            self.loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write all that was collected, now."""
        self._scheduled = False
        if self._session.has_output and self._wire.is_writable:
            self._wire.write(self._session.take_output())

    def drop(self) -> None:
        """Give this connection up; another one follows."""
        self._wire.abort()

    async def close(self, error: HallError | None = None) -> None:
        """Write what is left, close, and never connect again; open requests end with `error`."""
        self._closing = True
        if self._reconnecting is not None:
            self._reconnecting.cancel()
        if self._session.has_output:
            self._wire.write(self._session.take_output())
        was_open = self._session.is_open
        self._session.end(error or Unavailable("this connection to the hall is closed"))
        self._wire.close()
        if was_open:
            await asyncio.wait({self.gone}, timeout=LINGER_SECONDS)
        self._wire.abort()
        self._finish(None)

    def _finish(self, why: HallError | None) -> None:
        self._closing = True
        if why is not None:
            self._session.end(why)
        if not self.gone.done():
            self.gone.set_result(why)
