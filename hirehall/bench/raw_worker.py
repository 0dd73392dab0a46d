"""The worker of the raw loads, a process: `python -m hirehall.bench.raw_worker`. It hears on stdin, as lines of JSON,
first where the hall is, then what it shall serve; it answers each with a line, once the hall has: how many jobs it has
answered until then. It ends with its stdin, and with it goes the folder of whoever held the other end: they were
killed."""

from __future__ import annotations

import secrets
import select
import sys
from collections.abc import Iterable
from io import RawIOBase
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from hirehall.bench.peers import Delivery, Heard, Peer, Refused, encode
from hirehall.bench.tied import remove
from hirehall.errors import HallError

LEASE_SECONDS = 60


class Begin(Struct):
    """The first line: the hall, the bench's folder, and how jobs are answered, one of ANSWERS."""

    url: str
    token: str | None
    folder: str
    answers: str = "bulk"


class BulkDone(Struct, tag_field="cmd", tag="done", gc=False):
    """All results of one read in one message."""

    jobs: list[Delivery]


def bulk(jobs: list[Delivery]) -> bytes:
    """All results of one read in one message."""
    return encode(BulkDone(jobs)) + b"\n"


def chatty(jobs: list[Delivery]) -> bytes:
    """As `bulk`, after 10 progress reports and 20 log lines for each job."""
    return b"".join([_chatter(job) for job in jobs]) + bulk(jobs)


def _chatter(job: Delivery) -> bytes:
    where = b'"id":"%s","attempt":%d' % (job.id.encode(), job.attempt)
    log = b'{"cmd":"log",%s,"text":"a line of about sixty characters, as programs write many of"}\n' % where
    step = b'{"cmd":"progress",%s,"percent":%d,"text":"step %d"}\n'
    return b"".join([step % (where, 10 * part, part) + log * 2 for part in range(10)])


ANSWERS = {"bulk": bulk, "chatty": chatty}


def deliveries(lines: Iterable[Heard]) -> list[Delivery]:
    """The jobs in what was heard. Raises Refused."""
    jobs: list[Delivery] = []
    for line in lines:
        if line.run:
            jobs += line.run
        elif line.error is not None or line.refused:
            raise Refused(f"the hall refused a worker: {line.error or line.refused}")
    return jobs


class Server:
    """The peer that takes jobs, and how many it has answered."""

    def __init__(self, begin: Begin) -> None:
        self.peer = Peer(begin.url, begin.token, worker=secrets.token_hex(8))
        self._answer = ANSWERS[begin.answers]
        self._answered = 0

    def hear(self) -> None:
        """Answer the jobs of one read. When it had the reply to `order` say how many were answered until then."""
        lines = self.peer.hear()
        jobs = deliveries(lines)
        if jobs:
            self.peer.sock.sendall(self._answer(jobs))
            self._answered += len(jobs)
        if any(line.ref for line in lines):
            say(self._answered)

    def order(self, fields: dict[str, Any]) -> None:
        """Serve something else from now on."""
        self.peer.sock.sendall(encode({"cmd": "work", "lease_seconds": LEASE_SECONDS, **fields, "ref": 1}) + b"\n")


def serve(begin: Begin, commands: RawIOBase) -> None:
    """Answer jobs until `commands` end."""
    server = Server(begin)
    say(0)
    poll = select.poll()
    poll.register(server.peer.sock, select.POLLIN)
    poll.register(commands, select.POLLIN)
    while True:
        ready = {number for number, _ in poll.poll()}
        if commands.fileno() in ready:
            line = commands.readline()
            if not line:
                remove(Path(begin.folder))
                return
            server.order(msgspec.json.decode(line))
        if server.peer.sock.fileno() in ready:
            server.hear()


def say(answered: int) -> None:
    """What was asked for is so from here on."""
    sys.stdout.write(f"{answered}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as unbuffered:  # poll must see what is there
        try:
            serve(msgspec.json.decode(unbuffered.readline(), type=Begin), unbuffered)
        except HallError as why:
            sys.exit(why.message)
