"""One HTTP connection: uvicorn's, with the limits and the shape of errors of ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from hirehall.doors.http.answers import error_body, raw_answer
from hirehall.doors.http.statuses import of_status
from hirehall.doors.unfinished import LINE_SECONDS

if TYPE_CHECKING:
    from hirehall.doors.places import Place
    from hirehall.doors.unfinished import Unfinished

MAX_HEAD = 16 << 10  # bytes of request line and headers
MAX_HEADERS = 64
KEEP_ALIVE_SECONDS = 60
UNREAD_BYTES = 1 << 18  # a reader with more than this unread is waited for
STALL_SECONDS = 30.0  # and cut off when it has not taken most of that by then
LINGER_SECONDS = 10.0  # a closed connection may take this long to hear the rest

logging.getLogger("uvicorn.error").setLevel(logging.ERROR)  # bad requests are the business of who sends them


class HttpConnection(HttpToolsProtocol):
    """Refuses what could be read in two ways, ends what does not come to an end and who does not listen, counts its
    place."""

    is_paused = False  # for Unfinished: whether it is the hall that puts what has come away first

    def __init__(self, config: Config, state: ServerState, place: Place, unfinished: Unfinished) -> None:
        super().__init__(config=config, server_state=state, app_state={})
        self._place = place
        self._unfinished = unfinished
        self._head = 0  # bytes of the head that has begun; -1: it is whole
        self._beside = 0  # bytes since then that were no body: sizes of chunks, fields behind them
        self._midway = False  # a request has begun and is not whole
        self._begun = 0  # requests, in what came last
        self._earlier: list[RequestResponseCycle] = []  # not answered yet, though another request has come behind them
        self._alarms: dict[str, asyncio.TimerHandle] = {}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        transport.set_write_buffer_limits(high=UNREAD_BYTES)
        self._unfinished.begun(self)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for cycle in self._earlier:  # uvicorn tells the last one only
            cycle.disconnected = True
            cycle.message_event.set()
        for alarm in self._alarms.values():
            alarm.cancel()
        self._unset_keepalive_if_required()
        self._unfinished.ended(self)
        self._place.leave()

    def data_received(self, data: bytes) -> None:
        if self.parser is None or self.transport.is_closing():
            return
        begins_in_front = not self._midway
        if begins_in_front:
            self._unfinished.begun(self)
            self._midway, self._head = True, 0
        self._beside += len(data)
        self._begun = 0
        super().data_received(data)
        if self._midway and self._head >= 0 and self._begun <= begins_in_front:  # else it has begun somewhere in `data`
            self._head += len(data)
        if self._midway and max(self._head, self._beside) > MAX_HEAD:
            self._refuse(431, f"the head of a request has at most {MAX_HEAD} bytes and {MAX_HEADERS} headers")

    def on_message_begin(self) -> None:
        self._midway, self._head, self._beside = True, 0, 0
        self._begun += 1
        super().on_message_begin()
        self.scope["state"]["place"] = self._place
        self.scope["state"]["abort"] = self.transport.abort
        self.scope["state"]["storing"] = self._storing

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head < 0:
            return  # behind the body: it must not be taken for one of the head's (RFC 9110, 6.5.1)
        super().on_header(name, value)
        if len(self.headers) > MAX_HEADERS:
            raise ValueError("too many headers")

    def on_headers_complete(self) -> None:
        self._head = -1
        version = self.parser.get_http_version()
        if not self.url.startswith(b"/") or version not in ("1.0", "1.1"):
            raise ValueError("not a path")
        if version == "1.0" and any(name == b"transfer-encoding" for name, _ in self.headers):
            raise ValueError("HTTP/1.0 has no chunks")
        before = self.cycle
        super().on_headers_complete()
        if before is not None and not before.response_complete:
            self._earlier = [*(cycle for cycle in self._earlier if not cycle.response_complete), before]
        self._beside = 0

    def on_body(self, body: bytes) -> None:
        self._beside = 0
        super().on_body(body)

    def _unsupported_upgrade_warning(self) -> None:
        """Another protocol was offered: the request is answered in this one, and the parser reads nothing behind it."""
        self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        self._midway = False
        self._unfinished.ended(self)
        super().on_message_complete()

    @contextlib.contextmanager
    def _storing(self) -> Iterator[None]:
        """Around putting a piece of a long body away: that time is the hall's, and then it may take as long again."""
        self.is_paused = True
        try:
            yield
        finally:
            self.is_paused = False
            if self._midway:
                self._unfinished.begun(self)

    # Who does not listen.

    def pause_writing(self) -> None:
        """The peer does not read: nothing more is said for now, and not for ever."""
        super().pause_writing()
        self._abort_in(STALL_SECONDS, "stall")

    def resume_writing(self) -> None:
        """It reads again."""
        super().resume_writing()
        if alarm := self._alarms.pop("stall", None):
            alarm.cancel()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.transport.is_closing():
            self._abort_in(LINGER_SECONDS, "linger")

    def timeout_keep_alive_handler(self) -> None:
        """Nothing was asked for a while."""
        self._close()

    def _close(self) -> None:
        """Once everything is written, or when the peer has not taken it for a while."""
        self.transport.close()
        self._abort_in(LINGER_SECONDS, "linger")

    def _abort_in(self, seconds: float, why: str) -> None:
        if why not in self._alarms:
            self._alarms[why] = self.loop.call_later(seconds, self.transport.abort)

    # What is refused.

    def line_is_late(self) -> None:
        """Nothing has come, or a request has begun and does not go on."""
        if not self._midway:
            self._close()
        else:
            self._refuse(408, f"a request that is begun must be at its end within {LINE_SECONDS} seconds")

    def send_400_response(self, msg: str) -> None:
        """What the parser refuses."""
        if len(self.headers or ()) > MAX_HEADERS:
            self._refuse(431, f"a request has at most {MAX_HEADERS} headers")
        else:
            self._refuse(400, "this is no HTTP request that can be read in one way only: send HTTP/1.1 with a path")

    def _refuse(self, status: int, why: str) -> None:
        if self.cycle is None or not self.cycle.response_started or self.cycle.response_complete:
            self.transport.write(raw_answer(status, error_body(of_status(status, why))))
        self._close()
