"""A peer of the raw loads: a plain socket that has said hello, and as little Python for a line as can be. It must not
be the limit of what it measures."""

from __future__ import annotations

import select
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
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

    ref: int | None = None
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
        reply = self.ask({"cmd": "hello", "token": token, "worker": worker})
        if reply.error is not None:
            self.close()
            raise Refused(f"the hall refused a load: {reply.error}")

    def ask(self, request: dict[str, Any]) -> Heard:
        """Send one request and read its reply; nothing else may be under way."""
        self.tell(request)
        return self.hear()[0]

    def tell(self, request: dict[str, Any]) -> None:
        """Send one request; its reply is among what is heard next."""
        self.sock.sendall(encode(request) + b"\n")

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
    """What one row submits: at most `count` jobs to `queue`, for at most `seconds`, `batch` in a message, at most
    `window` of them under way. The hall tells each end."""

    queue: str
    count: int
    batch: int = 1
    window: int = 2000
    seconds: float = 60.0
    more: dict[str, Any] = {}  # other fields of the submit

    def __post_init__(self) -> None:
        self.count -= self.count % self.batch
        self.window = max(self.window - self.window % self.batch, self.batch)

    def messages(self) -> Callable[[int, int], bytes]:
        """The bytes of the messages that submit jobs from one number to another."""
        fields = {"cmd": "submit", "queue": self.queue, "kind": "noop", "follow": True, **self.more}
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


Count = Callable[[Tally], int]
Progress = Callable[[int], None]


def ended(tally: Tally) -> int:
    """A job counts when its end has reached the client."""
    return tally.ended


def acked(tally: Tally) -> int:
    """A job counts when its submit is answered."""
    return tally.acked


def nobody(_count: int) -> None:
    """Hears how far a load is."""


def submit_all(peer: Peer, load: Load, count: Count, progress: Progress = nobody) -> Tally:
    """Submit the load and keep its window full, until its jobs or its seconds are used up; then wait until `count` has
    all that was submitted. Raises Unavailable when nothing comes any more."""
    tally, message, until = Tally(), load.messages(), time.monotonic() + load.seconds
    backlog: deque[memoryview] = deque()
    with unblocked(peer) as patience:
        while (done := count(tally)) < (goal := load.count if time.monotonic() < until else tally.submitted):
            room = min(load.window - (tally.submitted - done), goal - tally.submitted)
            room -= room % load.batch
            if room > 0 and not backlog:
                backlog.append(memoryview(message(tally.submitted, tally.submitted + room)))
                tally.submitted += room
            exchange(peer, backlog, tally)
            patience.check(count(tally))
            progress(count(tally))
    return tally


def await_ends(peer: Peer, tally: Tally, count: int, progress: Progress = nobody) -> None:
    """Until so many jobs have ended. Raises Unavailable when nothing comes any more."""
    with unblocked(peer) as patience:
        while tally.ended < count:
            exchange(peer, deque(), tally)
            patience.check(tally.ended)
            progress(tally.ended)


class Patience:
    """How long a load waits for a hall that says nothing."""

    def __init__(self) -> None:
        self._count, self._since = -1, time.monotonic()

    def check(self, count: int) -> None:
        """Raise Unavailable when `count` has not grown for too long."""
        if count != self._count:
            self._count, self._since = count, time.monotonic()
        elif time.monotonic() > self._since + PATIENCE:
            raise Unavailable(f"the hall has said nothing for {PATIENCE:g} s, after {count} jobs")


@contextmanager
def unblocked(peer: Peer) -> Iterator[Patience]:
    """The peer's socket does not wait inside, who uses it does."""
    peer.sock.setblocking(False)
    try:
        yield Patience()
    finally:
        peer.sock.settimeout(PATIENCE)


def exchange(peer: Peer, backlog: deque[memoryview], tally: Tally) -> None:
    """Write what the socket takes, then read what it has; wait until there is something to read, or room to write."""
    if backlog:
        with suppress(BlockingIOError):
            part = backlog[0]
            sent = peer.sock.send(part)
            backlog.popleft()
            if sent < len(part):
                backlog.appendleft(part[sent:])
    poll = select.poll()
    poll.register(peer.sock, select.POLLIN | (select.POLLOUT if backlog else 0))
    for _, event in poll.poll(1000):
        if event & ~select.POLLOUT:
            with suppress(BlockingIOError):  # it was only a part of a line
                tally.hear(peer.hear())
