"""The worker of the raw loads, a process: `python -m hirehall.bench.raw_worker`. It hears on stdin, as lines of JSON,
first where the hall is, then what it shall serve; to each it says a line. It ends with its stdin."""

from __future__ import annotations

import secrets
import select
import sys
from typing import Any

import msgspec
from msgspec import Struct

from hirehall.bench.peers import Delivery, Heard, Peer, encode

LEASE_SECONDS = 60


class Begin(Struct):
    """The first line: the hall, and how jobs are answered, one of ANSWERS."""

    url: str
    token: str | None
    answers: str = "bulk"


class BulkDone(Struct, tag_field="cmd", tag="done", gc=False):
    """All results of one read in one message."""

    jobs: list[Delivery]


def bulk(jobs: list[Delivery]) -> bytes:
    """All results of one read in one message."""
    return encode(BulkDone(jobs)) + b"\n"


def single(jobs: list[Delivery]) -> bytes:
    """A message for each result."""
    return "".join([f'{{"cmd":"done","id":"{job.id}","attempt":{job.attempt}}}\n' for job in jobs]).encode()


def chatty(jobs: list[Delivery]) -> bytes:
    """As `bulk`, after 10 progress reports and 20 log lines for each job."""
    return b"".join([_chatter(job) for job in jobs]) + bulk(jobs)


def _chatter(job: Delivery) -> bytes:
    where = b'"id":"%s","attempt":%d' % (job.id.encode(), job.attempt)
    log = b'{"cmd":"log",%s,"text":"a line of about sixty characters, as programs write many of"}\n' % where
    step = b'{"cmd":"progress",%s,"percent":%d,"text":"step %d"}\n'
    return b"".join([step % (where, 10 * part, part) + log * 2 for part in range(10)])


ANSWERS = {"bulk": bulk, "single": single, "chatty": chatty}


def deliveries(lines: list[Heard]) -> list[Delivery]:
    """The jobs in what was heard; whatever is refused ends this worker."""
    jobs: list[Delivery] = []
    for line in lines:
        if line.run:
            jobs += line.run
        elif line.error is not None or line.refused:
            raise SystemExit(f"hirehall: refused: {line.error or line.refused}")
    return jobs


def serve(begin: Begin, commands: Any) -> None:
    """Answer jobs until `commands` end."""
    peer, answer = Peer(begin.url, begin.token, worker=secrets.token_hex(8)), ANSWERS[begin.answers]
    say()
    poll = select.poll()
    poll.register(peer.sock, select.POLLIN)
    poll.register(commands, select.POLLIN)
    while True:
        ready = {number for number, _ in poll.poll()}
        if commands.fileno() in ready:
            line = commands.readline()
            if not line:
                return
            work = {"cmd": "work", "lease_seconds": LEASE_SECONDS, **msgspec.json.decode(line)}
            peer.sock.sendall(encode(work) + b"\n")
            say()
        if peer.sock.fileno() in ready:
            jobs = deliveries(peer.hear())
            if jobs:
                peer.sock.sendall(answer(jobs))


def say() -> None:
    """What was asked for is under way."""
    sys.stdout.write("ready\n")
    sys.stdout.flush()


if __name__ == "__main__":
    with open(sys.stdin.fileno(), "rb", buffering=0, closefd=False) as unbuffered:  # poll must see what is there
        serve(msgspec.json.decode(unbuffered.readline(), type=Begin), unbuffered)
