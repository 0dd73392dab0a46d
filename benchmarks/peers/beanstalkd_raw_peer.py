"""beanstalkd with everything pipelined on a socket, which no client library for Python does: what its server can do."""

from __future__ import annotations

import socket

from benchmarks.peers.beanstalkd_peer import Beanstalkd, BeanstalkdSynced
from benchmarks.peers.bell import Bell, ring
from benchmarks.peers.peer import BODY, PATIENCE, PORT, Client, module

UNDER_WAY = 500
AT_ONCE = 100
PUT = b"put 0 0 60 %d\r\n%s\r\n" % (len(BODY), BODY)
TRY, RESERVE = b"reserve-with-timeout 0\r\n", b"reserve\r\n"


class Wire:
    """A connection that reads line by line."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(None)
        self.send = self._socket.sendall
        self.readline = self._socket.makefile("rb").readline

    def lines(self, unread: bytes) -> tuple[list[bytes], bytes]:
        """All whole lines of one read, and what is left over."""
        *lines, rest = (unread + self._socket.recv(1 << 18)).split(b"\r\n")
        return lines, rest

    def job(self) -> bytes:
        """The id of the job in the next answer; empty when there is none."""
        words = self.readline().split()
        if words[0] != b"RESERVED":
            return b""
        self.readline()
        return words[1]


class RawClient(Client):
    def __init__(self, port: int, bell: Bell) -> None:
        self._wire = Wire(port)
        self._bell = bell

    def submit(self, count: int) -> int:
        sent = done = 0
        rest = b""
        while done < count:
            if room := min(count - sent, UNDER_WAY - (sent - done)):
                self._wire.send(PUT * room)
                sent += room
            lines, rest = self._wire.lines(rest)
            assert all(line.startswith(b"INSERTED") for line in lines), lines
            done += len(lines)
        return count

    def await_all(self, submitted: int) -> None:
        self._bell.hear(submitted)


class BeanstalkdRaw(Beanstalkd):
    name = "beanstalkd, raw"
    client_is = f"socket; {UNDER_WAY} puts under way"
    worker_is = f"socket; reserve and delete in {AT_ONCE}s"
    packages = ()

    def worker_command(self) -> list[str]:
        return module("beanstalkd_raw_peer")

    def client(self) -> Client:
        return RawClient(self.port, Bell(self.folder))


class BeanstalkdRawSynced(BeanstalkdRaw):
    setting, options = BeanstalkdSynced.setting, BeanstalkdSynced.options
    lost, is_durable = BeanstalkdSynced.lost, True


def work() -> None:
    """The worker: it waits for a job, then asks for more of them the more there were."""
    wire = Wire(PORT)
    asked = 1
    while True:
        wire.send(RESERVE + TRY * (asked - 1))
        jobs = [job for _ in range(asked) if (job := wire.job())]
        asked = min(AT_ONCE, 2 * len(jobs))
        wire.send(b"".join(b"delete %s\r\n" % job for job in jobs))
        for _ in jobs:
            wire.readline()
            ring()


if __name__ == "__main__":
    work()
