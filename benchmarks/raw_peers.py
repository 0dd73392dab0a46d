"""The two peers of `raw_load.py`: a client that keeps its window full, and a worker process."""

from __future__ import annotations

import secrets
import select
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import msgspec

CHUNK = 1 << 18
PATIENCE = 30.0


class Ended(msgspec.Struct):
    id: str
    state: str


class Delivery(msgspec.Struct):
    id: str
    attempt: int


class Heard(msgspec.Struct):
    """Any line of the hall, as far as this program looks into it."""

    ok: bool = False
    id: str = ""
    ids: list[str] = []
    refused: list[Any] = []
    end: list[Ended] = []
    run: list[Delivery] = []
    error: Any = None


class DoneJob(msgspec.Struct):
    id: str
    attempt: int


class BulkDone(msgspec.Struct, tag_field="cmd", tag="done"):
    jobs: list[DoneJob]


decoder = msgspec.json.Decoder(Heard)
encode = msgspec.json.encode


class Peer:
    """A connection that has said hello: whole lines in, bytes out."""

    def __init__(self, url: str, token: str, worker: str = "") -> None:
        host, _, port = url.removeprefix("hall://").rpartition(":")
        self.sock = socket.create_connection((host, int(port)), PATIENCE)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._rest = b""
        self.ask({"cmd": "hello", "token": token, "worker": worker})

    def ask(self, request: dict[str, Any]) -> Heard:
        """Send one request and read its reply; nothing else may be under way."""
        self.sock.sendall(encode(request) + b"\n")
        return self.hear()[0]

    def hear(self) -> list[Heard]:
        """Everything that the next read completes, at least one line."""
        while True:
            data = self.sock.recv(CHUNK)
            if not data:
                raise ConnectionError("the hall closed the connection")
            head, found, rest = data.rpartition(b"\n")
            if not found:
                self._rest += data
                continue
            lines, self._rest = self._rest + head, rest
            return self._checked(decoder.decode_lines(lines))

    def _checked(self, heard: list[Heard]) -> list[Heard]:
        for line in heard:
            if line.error is not None or line.refused:
                raise RuntimeError(f"refused: {line.error or line.refused}")
        return heard


# The worker process.


def work(url: str, token: str, how: str, orders: Connection) -> None:
    """Answer jobs; every order is the `work` request's fields, None ends it."""
    peer = Peer(url, token, worker=secrets.token_hex(8))
    answer = ANSWERS[how]
    orders.send("here")
    while True:
        watched: list[Any] = [peer.sock, orders]
        ready, _, _ = select.select(watched, [], [])
        if orders in ready:
            if (order := orders.recv()) is None:
                return
            peer.sock.sendall(encode({"cmd": "work", "lease_seconds": 60, **order}) + b"\n")
            orders.send("done")
        if peer.sock in ready:
            jobs = [job for line in peer.hear() for job in line.run]
            if jobs:
                peer.sock.sendall(answer(jobs))


def answer_bulk(jobs: list[Delivery]) -> bytes:
    """All results of one read in one message."""
    return encode(BulkDone([DoneJob(job.id, job.attempt) for job in jobs])) + b"\n"


def answer_single(jobs: list[Delivery]) -> bytes:
    """A message for each result."""
    return b"".join(b'{"cmd":"done","id":"%s","attempt":%d}\n' % (j.id.encode(), j.attempt) for j in jobs)


def answer_chatty(jobs: list[Delivery]) -> bytes:
    """As answer_bulk, after 10 progress reports and 20 log lines for each job."""
    return b"".join(_chatter(job) for job in jobs) + answer_bulk(jobs)


def _chatter(job: Delivery) -> bytes:
    where = b'"id":"%s","attempt":%d' % (job.id.encode(), job.attempt)
    log = b'{"cmd":"log",%s,"text":"a line of about sixty characters, as programs write many of"}\n' % where
    step = b'{"cmd":"progress",%s,"percent":%d,"text":"step %d"}\n'
    return b"".join(step % (where, 10 * part, part) + log * 2 for part in range(10))


ANSWERS = {"bulk": answer_bulk, "single": answer_single, "chatty": answer_chatty}


def look_on(url: str, token: str, watchers: int, orders: Connection) -> None:
    """Watch everything on so many connections until told to end; answers how many bytes of events came."""
    peers = [Peer(url, token) for _ in range(watchers)]
    for peer in peers:
        peer.ask({"cmd": "watch"})
    orders.send("here")
    heard = 0
    while True:
        watched: list[Any] = [orders, *(peer.sock for peer in peers)]
        ready, _, _ = select.select(watched, [], [])
        if orders in ready:
            orders.recv()
            orders.send(heard)
            return
        for peer in peers:
            if peer.sock in ready:
                heard += len(peer.sock.recv(CHUNK))


# The client.


@dataclass
class Tally:
    """How far a run is."""

    submitted: int = 0
    acked: int = 0
    ended: int = 0

    def hear(self, heard: list[Heard]) -> None:
        for line in heard:
            self.acked += len(line.ids) or bool(line.id)
            self.ended += sum(job.state == "succeeded" for job in line.end)


@dataclass
class Load:
    """What one row submits: `count` jobs, `batch` in a message, at most `window` jobs under way."""

    queue: str
    count: int
    batch: int
    window: int
    follow: bool = True

    def messages(self) -> Callable[[int, int], bytes]:
        """The bytes of the messages that submit jobs from one number to another."""
        payload = "x" * 98
        fields = {"cmd": "submit", "queue": self.queue, "kind": "noop", "follow": self.follow}
        if self.batch > 1:
            line = encode({**fields, "jobs": [{"payload": payload}] * self.batch}) + b"\n"
            return lambda begin, end: line * ((end - begin) // self.batch)
        head, tail = encode({**fields, "payload": payload, "ref": 0}).rsplit(b"0", 1)
        return lambda begin, end: b"".join(b"%b%d%b\n" % (head, ref, tail) for ref in range(begin, end))


def submit_all(peer: Peer, load: Load, done: Callable[[Tally], int], until: float) -> Tally:
    """Submit the load, keep its window full, and go on until `done` has counted all of it."""
    tally = Tally()
    message = load.messages()
    backlog: deque[memoryview] = deque()
    peer.sock.setblocking(False)
    while done(tally) < load.count and time.monotonic() < until:
        if not backlog:
            room = min(load.window - (tally.submitted - done(tally)), load.count - tally.submitted)
            room -= room % load.batch
            if room > 0:
                backlog.append(memoryview(message(tally.submitted, tally.submitted + room)))
                tally.submitted += room
        exchange(peer, backlog, tally, until)
    peer.sock.settimeout(PATIENCE)
    return tally


def exchange(peer: Peer, backlog: deque[memoryview], tally: Tally, until: float) -> None:
    """Write what the socket takes, read what it has; wait for one of the two."""
    writing = [peer.sock] if backlog else []
    readable, writable, _ = select.select([peer.sock], writing, [], max(until - time.monotonic(), 0))
    if writable:
        part = backlog.popleft()
        sent = peer.sock.send(part)
        if sent < len(part):
            backlog.appendleft(part[sent:])
    if readable:
        with suppress(BlockingIOError):  # it was only a part of a line
            tally.hear(peer.hear())
