"""A peer of the raw loads: a plain socket that has said hello, and as little Python for a line as can be. It must not
be the limit of what it measures."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
from msgspec import Struct

from hirehall.client.address import parse
from hirehall.errors import BadRequest, HallError, Unavailable

CHUNK = 1 << 20
PATIENCE = 30.0
PAYLOAD = "x" * 98

encode = msgspec.json.encode


class Ended(Struct, gc=False):
    """One job of an `end`."""

    state: str


class Delivery(Struct, gc=False):
    """One job of a `run`."""

    id: str
    attempt: int


class Heard(Struct, gc=False):
    """Any line of the hall, as far as a load looks into it."""

    id: str = ""
    ids: tuple[str, ...] = ()
    end: tuple[Ended, ...] = ()
    run: tuple[Delivery, ...] = ()
    refused: tuple[Any, ...] = ()
    error: Any = None


decode_lines = msgspec.json.Decoder(Heard).decode_lines


class Refused(HallError):
    """the hall refused what a load asked for"""

    code = "refused"


class Peer:
    """A connection that has said hello: whole lines in, bytes out."""

    def __init__(self, url: str, token: str | None, worker: str = "") -> None:
        address = parse(url)
        if address.tls:
            raise BadRequest(f"the raw load speaks to plain sockets, not to {address}")
        if address.path:
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.settimeout(PATIENCE)
            self.sock.connect(address.path)
        else:
            self.sock = socket.create_connection((address.host, address.port), PATIENCE)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self.ask({"cmd": "hello", "token": token, "worker": worker})

    def ask(self, request: dict[str, Any]) -> Heard:
        """Send one request and read its reply; nothing else may be under way."""
        self.sock.sendall(encode(request) + b"\n")
        return self.hear()[0]

    def hear(self) -> list[Heard]:
        """Everything that the next read completes, at least one line. Raises Refused, and Unavailable at the end."""
        while True:
            data = self.sock.recv(CHUNK)
            if not data:
                raise Unavailable("the hall closed the connection of a load")
            head, found, rest = data.rpartition(b"\n")
            if not found:
                self._rest += data
                continue
            lines, self._rest = self._rest + head, rest
            return decode_lines(lines)

    def close(self) -> None:
        """Hang up."""
        self.sock.close()


class Load(Struct):
    """What one row submits: `count` jobs to `queue`, `batch` in a message, at most `window` of them under way, within
    `seconds`. With `follow` the hall tells each end."""

    queue: str
    count: int
    batch: int = 1
    window: int = 2000
    seconds: float = 60.0
    follow: bool = True
    more: dict[str, Any] = {}  # other fields of the submit

    def __post_init__(self) -> None:
        self.count -= self.count % self.batch
        self.window = max(self.window - self.window % self.batch, self.batch)

    def messages(self) -> Callable[[int, int], bytes]:
        """The bytes of the messages that submit jobs from one number to another."""
        fields = {"cmd": "submit", "queue": self.queue, "kind": "noop", "follow": self.follow, **self.more}
        if self.batch > 1:
            line = encode({**fields, "jobs": [{"payload": PAYLOAD}] * self.batch}) + b"\n"
            return lambda begin, end: line * ((end - begin) // self.batch)
        head, tail = encode({**fields, "payload": PAYLOAD, "ref": 0}).rsplit(b"0", 1)
        form = head.replace(b"%", b"%%") + b"%d" + tail.replace(b"%", b"%%") + b"\n"
        return lambda begin, end: b"".join([form % ref for ref in range(begin, end)])


class Tally:
    """What a submitting client has sent and heard so far."""

    def __init__(self) -> None:
        self.submitted = self.acked = self.ended = 0

    def hear(self, lines: list[Heard]) -> None:
        """Count answers and ends. Raises Refused."""
        for line in lines:
            if line.end:
                self.ended += len(line.end)
                for job in line.end:
                    if job.state != "succeeded":
                        raise Refused(f"a job that does nothing {job.state}")
            elif line.id:
                self.acked += 1
            elif line.error is not None or line.refused:
                raise Refused(f"the hall refused a load: {line.error or line.refused}")
            else:
                self.acked += len(line.ids)


Done = Callable[[Tally], int]


def ended(tally: Tally) -> int:
    """A job counts when its end has reached the client."""
    return tally.ended


def acked(tally: Tally) -> int:
    """A job counts when its submit is answered."""
    return tally.acked


def submit_all(peer: Peer, load: Load, done: Done, progress: Callable[[int], None]) -> Tally:
    """Submit the load, keep its window full, and go on until `done` has counted all of it or its time is up."""
    tally, message, until = Tally(), load.messages(), time.monotonic() + load.seconds
    backlog: deque[memoryview] = deque()
    peer.sock.setblocking(False)
    while done(tally) < load.count and (left := until - time.monotonic()) > 0:
        room = min(load.window - (tally.submitted - done(tally)), load.count - tally.submitted)
        room -= room % load.batch
        if room > 0 and not backlog:
            backlog.append(memoryview(message(tally.submitted, tally.submitted + room)))
            tally.submitted += room
        exchange(peer, backlog, tally, left)
        progress(done(tally))
    peer.sock.settimeout(PATIENCE)
    return tally


def exchange(peer: Peer, backlog: deque[memoryview], tally: Tally, seconds: float) -> None:
    """Write what the socket takes, then read what it has; wait until there is something to read, or room to write."""
    if backlog:
        with suppress(BlockingIOError):
            part = backlog.popleft()
            sent = peer.sock.send(part)
            if sent < len(part):
                backlog.appendleft(part[sent:])
    writing = [peer.sock] if backlog else []
    readable, _, _ = select.select([peer.sock], writing, [], min(seconds, 1.0))
    if readable:
        with suppress(BlockingIOError):  # it was only a part of a line
            tally.hear(peer.hear())
