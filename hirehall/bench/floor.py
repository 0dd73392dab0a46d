"""What this machine takes for one job without a hall: the same four hops over TCP between three processes, and the same
two writes that are synced before anything is sent on. `python -m hirehall.bench.floor middle FOLDER` stands where the
hall does, `... worker PORT` where the worker does. Both end when the client, or what is between, hangs up."""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

from hirehall.bench.peers import PATIENCE, Progress, nobody
from hirehall.errors import Unavailable
from hirehall.processes import Member

MESSAGE = b"x" * 159 + b"\n"  # about what a submit, a delivery, a result and an end have
COMMIT_BYTES = 4 * (4096 + 24)  # of the log: the pages that a job changes at a time, each with its head
FILE_BYTES = 4 << 20  # the log is begun anew at about this length
LOOPBACK = "127.0.0.1"


def floor_loop(folder: Path, count: int, seconds: float, progress: Progress = nobody) -> list[float]:
    """There and back at most `count` times within `seconds`: the milliseconds of each. Data is put into `folder`.
    Raises Unavailable when a process of it ends."""
    log = folder / "floor.log"
    middle = Member("middle of the floor", "hirehall.bench.floor", "middle", str(folder), log=log)
    try:
        port = middle.ready()
        worker = Member("worker of the floor", "hirehall.bench.floor", "worker", port, log=log)
        try:
            worker.ready()
            with connected(int(port)) as client:
                return there_and_back(client, count, seconds, progress)
        finally:
            worker.end()
    finally:
        middle.end()


def there_and_back(client: socket.socket, count: int, seconds: float, progress: Progress) -> list[float]:
    """The milliseconds of each."""
    took = list[float]()
    until = time.monotonic() + seconds
    while len(took) < count and time.monotonic() < until:
        began = time.perf_counter()
        client.sendall(MESSAGE)
        if not heard(client):
            raise Unavailable("a process that measures this machine has ended")
        took.append((time.perf_counter() - began) * 1000)
        progress(len(took))
    return took


def connected(port: int) -> socket.socket:
    """A connection to the middle."""
    sock = socket.create_connection((LOOPBACK, port), PATIENCE)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def heard(sock: socket.socket) -> bool:
    """A whole message has come. False: the other side has hung up."""
    left = len(MESSAGE)
    while left:
        data = sock.recv(left)
        if not data:
            return False
        left -= len(data)
    return True


class Log:
    """A file as long as a log becomes; every write of a commit is on the disk when it returns."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._sync: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)
        self._at = 0
        os.pwrite(self._file, bytes(FILE_BYTES), 0)
        os.fsync(self._file)

    def commit(self) -> None:
        """Write what a commit of one job writes, and wait for the disk."""
        if self._at + COMMIT_BYTES > FILE_BYTES:
            self._at = 0
        self._at += os.pwrite(self._file, bytes(COMMIT_BYTES), self._at)
        self._sync(self._file)

    def close(self) -> None:
        """Leave the file as it is."""
        os.close(self._file)


def middle(folder: str) -> None:
    """Between a worker, which comes first, and a client: nothing is sent on that is not on the disk."""
    with closing(Log(Path(folder) / "floor.data")) as log, socket.create_server((LOOPBACK, 0)) as listening:
        say(listening.getsockname()[1])
        with listening.accept()[0] as worker, listening.accept()[0] as client:
            for sock in (worker, client):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while heard(client):
                log.commit()
                worker.sendall(MESSAGE)
                if not heard(worker):
                    return
                log.commit()
                client.sendall(MESSAGE)


def worker(port: str) -> None:
    """Sends each message back."""
    with connected(int(port)) as sock:
        sock.settimeout(None)
        say("ready")
        while heard(sock):
            sock.sendall(MESSAGE)


def say(word: object) -> None:
    """It is ready."""
    print(word, flush=True)


if __name__ == "__main__":
    {"middle": middle, "worker": worker}[sys.argv[1]](sys.argv[2])
