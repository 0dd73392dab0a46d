"""Many watchers, many lanes, many queues, many workers without work."""

from __future__ import annotations

import selectors
from itertools import cycle

from benchmarks.gate.messages import Fields, bulk_dones, bulk_submits, line, submits
from benchmarks.gate.paths.path import LEASE_SECONDS, Path, replies, understood
from hirehall.bench.peers import CHUNK, Peer

WATCHERS, IDLE = 100, 500
LANES, QUEUES = 2000, 1000


def lane(number: int, priority: int) -> Fields:
    """What puts a job into this lane of ten priorities, twenty kinds and any number of shares."""
    return {"kind": f"kind-{number % 20}", "priority": priority + number // 20 % 10, "share": f"share-{number // 200}"}


class EventFeed(Path):
    """a job: taken and ended in bulk, while 100 watchers hear of it"""

    JOBS = 200
    EVENTS = ("submit", "deliver", "succeed")
    PLAIN = bulk_submits([{}] * JOBS)

    def prepare(self) -> None:
        self.watchers = [self.hall.peer() for _ in range(WATCHERS)]
        self.selector = selectors.DefaultSelector()
        for watcher in self.watchers:
            watcher.ask({"cmd": "watch", "events": self.EVENTS})
            self.selector.register(watcher.sock, selectors.EVENT_READ, watcher)

    def run(self) -> int:
        self.submit(self.PLAIN)
        self.take(self.JOBS)
        self.finish()
        missing = self.JOBS * len(self.EVENTS) * WATCHERS
        while missing > 0:
            for key, _ in self.selector.select():
                missing -= key.data.sock.recv(CHUNK).count(b"\n")
        return self.JOBS

    def close(self) -> None:
        super().close()
        self.selector.close()
        for watcher in self.watchers:
            watcher.close()


class ManyLanes(Path):
    """a job: submitted in bulk, taken and ended, each of 500 in a lane of its own (kind, priority, share), before 2,000
    lanes whose jobs wait"""

    JOBS = 500
    MESSAGES = bulk_submits(lane(number, priority=10) for number in range(JOBS))

    def prepare(self) -> None:
        self.submit(bulk_submits(lane(number, priority=0) for number in range(LANES)))
        self.serve(kinds=["*"])

    def run(self) -> int:
        self.submit(self.MESSAGES)
        self.take(self.JOBS)
        self.finish()
        return self.JOBS


class ManyQueues(Path):
    """a job: submitted in bulk, taken and ended, each of 500 in a queue of its own, by a worker that serves 1,000"""

    NAMES = tuple(f"queue-{number}" for number in range(QUEUES))

    def prepare(self) -> None:
        self.serve(queues=self.NAMES, kinds=["noop"])
        halves = self.NAMES[::2], self.NAMES[1::2]
        self.turns = cycle([bulk_submits({"queue": name} for name in half) for half in halves])

    def run(self) -> int:
        self.submit(next(self.turns))
        self.take(QUEUES // 2)
        self.finish()
        return QUEUES // 2


class Crowd(Path):
    """Workers without work, no two of them alike."""

    def prepare(self) -> None:
        self.idle = [self.come(number) for number in range(IDLE)]

    def come(self, number: int) -> Peer:
        """One more worker."""
        peer = self.hall.peer(worker=f"idle-{number}")
        kinds = ["noop", f"kind-{number}"]
        peer.ask({"cmd": "work", "kinds": kinds, "credit": 1, "lease_seconds": LEASE_SECONDS})
        return peer

    def close(self) -> None:
        super().close()
        for peer in self.idle:
            peer.close()


class IdleWorkers(Crowd):
    """a job: submitted in a message of its own, to one of 500 idle workers, until its end has reached the client"""

    JOBS = 200
    MESSAGES = submits(JOBS, follow=True)

    def prepare(self) -> None:
        super().prepare()
        self.selector = selectors.DefaultSelector()
        for peer in (self.client, *self.idle):
            self.selector.register(peer.sock, selectors.EVENT_READ, peer)

    def run(self) -> int:
        self.client.sock.sendall(self.MESSAGES)
        ended = 0
        while ended < self.JOBS:
            for key, _ in self.selector.select():
                lines = understood(key.data)
                ended += sum(len(heard.end) for heard in lines)
                if jobs := [job for heard in lines for job in heard.run]:
                    key.data.sock.sendall(bulk_dones(jobs))
        return self.JOBS

    def close(self) -> None:
        self.selector.close()
        super().close()


class IdleBeats(Crowd):
    """a beat of one of 500 idle workers"""

    BEAT = line("beat", ref=1)

    def run(self) -> int:
        for peer in self.idle:
            peer.sock.sendall(self.BEAT)
        for peer in self.idle:
            replies(peer, 1)
        return IDLE
