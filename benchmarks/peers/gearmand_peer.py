"""gearmand. No client library for Python 3 is alive (gearman 2.0.2 needs Python 2, python3-gearman ended in 2018), so
this speaks its protocol on a socket: as such libraries do, many submits under way and one job at a time in the worker;
and with everything pipelined, which none of them does."""

from __future__ import annotations

import os
import socket
import struct
import sys
from collections.abc import Iterator

from benchmarks.peers.peer import BODY, PATIENCE, PORT, Client, Peer, module

CAN_DO, SUBMIT_JOB, JOB_CREATED, GRAB_JOB, NO_JOB, JOB_ASSIGN, WORK_COMPLETE, SUBMIT_JOB_BG, PRE_SLEEP, NOOP = (
    1, 7, 8, 9, 10, 11, 13, 18, 4, 6,
)  # fmt: skip
HEADER = struct.Struct(">4sII")
UNDER_WAY = 500
GRABS = 50


def request(kind: int, *parts: bytes) -> bytes:
    """One message to the server."""
    body = b"\0".join(parts)
    return HEADER.pack(b"\0REQ", kind, len(body)) + body


class Wire:
    """A connection."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(None)
        self._unread = b""
        self.send = self._socket.sendall

    def receive(self) -> Iterator[tuple[int, bytes]]:
        """All messages of one read."""
        data = self._unread + self._socket.recv(1 << 18)
        at = 0
        while len(data) - at >= HEADER.size:
            _magic, kind, size = HEADER.unpack_from(data, at)
            end = at + HEADER.size + size
            if end > len(data):
                break
            yield kind, data[at + HEADER.size : end]
            at = end
        self._unread = data[at:]


class GearmanClient(Client):
    """Foreground jobs: the result comes to the client that has handed them in."""

    def __init__(self, port: int) -> None:
        self._wire = Wire(port)
        self._message = request(SUBMIT_JOB, b"noop", b"", BODY)
        self._created = self._completed = 0

    def submit(self, count: int) -> int:
        """At most UNDER_WAY of them unanswered. Answers how many jobs are completed at the end of all so far."""
        sent, target = self._created, self._created + count
        while self._created < target:
            if room := min(target - sent, UNDER_WAY - (sent - self._created)):
                self._wire.send(self._message * room)
                sent += room
            self._read()
        return target

    def await_all(self, submitted: int) -> None:
        while self._completed < submitted:
            self._read()

    def _read(self) -> None:
        for kind, _ in self._wire.receive():
            self._created += kind == JOB_CREATED
            self._completed += kind == WORK_COMPLETE


class Gearmand(Peer):
    name, setting, needs = "gearmand", "memory, as it comes", "gearmand"
    lost = "everything"
    client_is = f"socket; {UNDER_WAY} submits under way"
    worker_is = "socket; one job at a time"
    known = "the job's result"
    grabs = 1

    def server_command(self) -> list[str]:
        own = ["--port", str(self.port), "--listen", "127.0.0.1", "--log-file", "stderr"]
        return ["gearmand", *own, *(["--user", "root"] if os.geteuid() == 0 else [])]

    def worker_command(self) -> list[str]:
        return [*module("gearmand_peer"), str(self.grabs)]

    def client(self) -> Client:
        return GearmanClient(self.port)


class GearmandPipelined(Gearmand):
    name = "gearmand, raw"
    worker_is = f"socket; {GRABS} grabs under way, as no library does"
    grabs = GRABS


def work(grabs: int) -> None:
    """The worker: so many grabs are asked for at once; when there is nothing it sleeps until it is woken."""
    wire = Wire(PORT)
    grab = request(GRAB_JOB)
    wire.send(request(CAN_DO, b"noop") + grab * grabs)
    asked, empty = grabs, 0
    while True:
        answers = []
        for kind, body in wire.receive():
            if kind == JOB_ASSIGN:
                answers.append(request(WORK_COMPLETE, body.partition(b"\0")[0], b"null") + grab)
            elif kind == NO_JOB:
                empty += 1
            elif kind == NOOP:
                answers.append(grab * (grabs - asked))
                asked = grabs
        asked -= empty
        empty = 0
        if asked == 0:
            answers.append(request(PRE_SLEEP))
        if answers:
            wire.send(b"".join(answers))


if __name__ == "__main__":
    work(int(sys.argv[1]))
