"""Streams of a hall over plain sockets: a page as a browser has it open, a full feed, somebody who never reads."""

from __future__ import annotations

import http.client
import socket
import time
from bisect import bisect_left
from contextlib import closing
from urllib.parse import urlsplit

from msgspec import Struct

from benchmarks.browser import logged_in

CHUNK = 1 << 20
PATIENCE = 30.0
NARROW = 4_096  # bytes that are under way to somebody who never reads
EVENTS = "/api/v1/events"
SHOWN = {"overview": "/", "jobs": "/jobs", "queues": "/queues", "workers": "/workers"}  # by the name of the page

_room = bytearray(CHUNK)


class Visitor:
    """A browser that is logged in at `url` with `token`."""

    def __init__(self, url: str, token: str) -> None:
        self._token = token
        self.host = urlsplit(url).netloc
        with self._connection() as connection:
            self._cookie = logged_in(connection, token)

    def _connection(self) -> closing[http.client.HTTPConnection]:
        return closing(http.client.HTTPConnection(self.host, timeout=PATIENCE))

    def get(self, path: str) -> None:
        """A page as a whole. Raises RuntimeError when it is refused."""
        with self._connection() as connection:
            connection.request("GET", path, headers={"accept": "text/html", "cookie": self._cookie})
            answer = connection.getresponse()
            answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path} is answered with {answer.status}")

    def page(self, query: str) -> Stream:
        """Open a page, and the stream that it opens."""
        name, _, rest = query.removeprefix("page=").partition("&")
        if name in ("job", "queue"):
            self.get(f"/{name}s/{rest.partition('=')[2]}")
        else:
            self.get(f"{SHOWN[name]}?{rest}")
        return Stream(self.host, f"/live?{query}", f"cookie: {self._cookie}\r\nhx-request: true")

    def feed(self) -> Stream:
        """A full feed."""
        return Stream(self.host, EVENTS, f"authorization: Bearer {self._token}")

    def deaf(self) -> Deaf:
        """A full feed that nobody reads."""
        return Deaf(self.host, EVENTS, f"authorization: Bearer {self._token}")


class Stream:
    """An open stream of server-sent events, and what has come on it since `forget`."""

    def __init__(self, host: str, path: str, who: str, room: int = 0) -> None:
        name, _, port = host.partition(":")
        self.sock = socket.socket()
        if room:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)  # before it connects: its window
        self.sock.settimeout(PATIENCE)
        self.sock.connect((name, int(port)))
        self.sock.sendall(f"GET {path} HTTP/1.1\r\nhost: {host}\r\naccept: text/event-stream\r\n{who}\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            if not (one := self.sock.recv(1)):  # what stands behind the head is counted
                break
            head += one
        if not head.startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"{path} is answered with {head[:100]!r}")
        self._is_midway = False  # the last byte may be half of what ends a message
        self.forget()

    def forget(self) -> None:
        """Count from now on."""
        self.messages = self.bytes = self.gaps = 0
        self.times: list[float] = []  # when each message came, of a page

    def hear(self, *, is_feed: bool = False) -> None:
        """Count what has come. Raises RuntimeError at the end of the stream."""
        size = self.sock.recv_into(_room)
        if not size:
            raise RuntimeError("the hall has ended a stream that was read")
        self.bytes += size
        messages = _room.count(b"\n\n", 0, size) + (self._is_midway and _room.startswith(b"\n"))
        self._is_midway = _room.endswith(b"\n", 0, size) and not _room.endswith(b"\n\n", 0, size)
        if is_feed:
            self.gaps += _room.count(b'{"event":"gap"', 0, size)
        else:
            messages -= _room.count(b":\n\n", 0, size)  # it only says that it is there
            self.times += [time.monotonic()] * messages
        self.messages += messages

    def close(self) -> None:
        """Hang up."""
        self.sock.close()


class Heard(Struct):
    """What one stream has said."""

    messages: int
    most_in_a_second: int  # 0 of a feed
    bytes: int
    gaps: int


def heard(stream: Stream) -> Heard:
    """Since `forget`."""
    within = (bisect_left(stream.times, at + 1) - first for first, at in enumerate(stream.times))
    return Heard(stream.messages, max(within, default=0), stream.bytes, stream.gaps)


class Deaf(Stream):
    """Is opened, and never read."""

    def __init__(self, host: str, path: str, who: str) -> None:
        super().__init__(host, path, who, NARROW)
        self.since = time.monotonic()

    @property
    def port(self) -> int:
        """Ours."""
        return int(self.sock.getsockname()[1])

    def left(self) -> int:
        """Read it after all: the bytes that were under way, until it is over."""
        size = 0
        try:
            while got := self.sock.recv_into(_room):
                size += got
        except ConnectionError:
            pass
        return size
