"""Who looks on, as a process: `python -m benchmarks.watching.audience`. Its first line on stdin is a Wanted as JSON. It
says a line when all pages and feeds are open, and for each line on stdin, or its end, what they have heard since the
one before. Some of the jobs that its pages show report progress all the time: it is their worker, too."""

from __future__ import annotations

import select
import sys
import time

import msgspec
from msgspec import Struct

from benchmarks.watching.streams import Heard, Stream, Visitor, heard
from hirehall.bench.peers import Delivery, Peer

REPORT_SECONDS = 0.1  # between two reports of progress of a job


class Wanted(Struct):
    """Where the hall is and what is to be opened: `/live?QUERY` for each page, and so many feeds of all events. `queue`
    has jobs that run for as long as somebody looks, so many."""

    url: str
    http: str
    token: str
    pages: list[str]
    feeds: int
    queue: str
    running: int


class Said(Struct):
    """What was heard, stream by stream, in so many seconds."""

    seconds: float
    pages: list[Heard]
    feeds: list[Heard]


class Busy:
    """The worker whose jobs report progress."""

    def __init__(self, wanted: Wanted) -> None:
        self._peer = Peer(wanted.url, wanted.token, worker="audience")
        work = {"cmd": "work", "queues": [wanted.queue], "kinds": ["show"], "credit": wanted.running}
        self._peer.tell({**work, "lease_seconds": 60})
        self._jobs: list[Delivery] = []
        while len(self._jobs) < wanted.running:
            self._jobs += [job for line in self._peer.hear() for job in line.run]
        self._reports = 0

    def report(self) -> None:
        """One for each job."""
        self._reports += 1
        for job in self._jobs:
            step = {"percent": self._reports % 100, "text": f"step {self._reports}"}
            self._peer.tell({"cmd": "progress", "id": job.id, "attempt": job.attempt, **step})


class Audience:
    """All streams that are read."""

    def __init__(self, wanted: Wanted) -> None:
        visitor = Visitor(wanted.http, wanted.token)
        self.busy = Busy(wanted)
        self.pages = [visitor.page(query) for query in wanted.pages]
        self.feeds = [visitor.feed() for _ in range(wanted.feeds)]
        self._since = time.monotonic()

    @property
    def streams(self) -> list[Stream]:
        """All of them."""
        return self.pages + self.feeds

    def said(self) -> Said:
        """What was heard since this was asked last."""
        now = time.monotonic()
        found = Said(now - self._since, list(map(heard, self.pages)), list(map(heard, self.feeds)))
        self._since = now
        for stream in self.streams:
            stream.forget()
        return found


def listen(audience: Audience) -> None:
    """Read everything, and answer stdin, once what came while others were opened has been read."""
    feeds = {stream.sock.fileno() for stream in audience.feeds}
    streams = {stream.sock.fileno(): stream for stream in audience.streams}
    poll = select.epoll()
    for number in (*streams, sys.stdin.fileno()):
        poll.register(number, select.EPOLLIN)
    for number, _ in poll.poll(0):
        streams[number].hear(is_feed=number in feeds)
    print("ready", flush=True)
    next_report = time.monotonic()
    while True:
        for number, _ in poll.poll(max(next_report - time.monotonic(), 0)):
            if number == sys.stdin.fileno():
                is_over = not sys.stdin.buffer.readline()
                print(msgspec.json.encode(audience.said()).decode(), flush=True)
                if is_over:
                    return
            else:
                streams[number].hear(is_feed=number in feeds)
        if time.monotonic() >= next_report:
            audience.busy.report()
            next_report = time.monotonic() + REPORT_SECONDS


if __name__ == "__main__":
    audience = Audience(msgspec.json.decode(sys.stdin.buffer.readline(), type=Wanted))
    listen(audience)
