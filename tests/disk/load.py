"""What peers do to a hall while its disk is watched: every command that a store must keep, from one seed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.disk.ledger import Ledger, Message, Order, order_of
from tests.system.hall_process import Hall
from tests.system.lines import Line, dial

KINDS = ("mesh", "edge", "paint")
QUEUES = ("default", "night", "side")
CREDIT = 12
SOON_GONE = 0.05  # seconds


@dataclass
class Book:
    """Every request and every job asked for, in all lives of a hall."""

    requests: dict[int, Message] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    ended: list[str] = field(default_factory=list)
    single: set[str] = field(default_factory=set)  # not of a bulk, which must stay whole for the check of it
    keys: list[Message] = field(default_factory=list)


class Peer(Line):
    """A session whose every request is in the book before it is on its way."""

    def __init__(self, hall: Hall, book: Book, worker: str = "", ledger: Ledger | None = None) -> None:
        super().__init__(dial(hall.access["url"]))
        self.book = book
        self.ledger = ledger  # where no record says later what was asked and answered
        hello = {"token": hall.access["token"], "protocol": 1}
        self.ok("hello", **hello, **({"worker": worker} if worker else {}))

    def post(self, cmd: str, **fields: Any) -> int:
        ref = len(self.book.requests) + 1
        request = {"cmd": cmd, "ref": ref, **fields}
        self.book.requests[ref] = request
        if cmd == "submit" and "jobs" in fields:
            for job in fields["jobs"]:
                self._order(order_of(job, {key: value for key, value in fields.items() if key != "jobs"}, ref))
        elif cmd == "submit":
            self._order(order_of(fields, fields))
        if self.ledger is not None:
            self.ledger.ask(ref)
        self.send(request)
        return ref

    def _receive(self, deadline: float, what: str = "message") -> Message:
        message = super()._receive(deadline, what)
        if self.ledger is not None:
            self.ledger.hear(message)
        return message

    def _order(self, order: Order) -> None:
        self.book.orders.setdefault(order.number, order)


class Load:
    """A client and a worker of one hall, in one life of it."""

    def __init__(self, hall: Hall, book: Book, seed: str) -> None:
        self.rng = random.Random(seed)
        self.book = book
        self.client = Peer(hall, book)
        self.worker = Peer(hall, book, worker=f"w-{seed}")
        self.worker.ok("work", kinds=["*"], queues=list(QUEUES), credit=CREDIT)
        hall.lines += [self.client, self.worker]
        self.in_hand: list[Message] = []

    def run(self, steps: int) -> None:
        acts: list[Callable[[], None]] = [
            *[self.submit] * 6, *[self.burst] * 2, self.bulk, self.again, *[self.finish] * 6, self.finish_many,
            self.give_up, self.give_back, self.cancel, self.remove, self.set_queue, self.token,
        ]  # fmt: skip
        for _ in range(steps):
            self.rng.choice(acts)()
            self.collect()

    # Clients.

    def job(self) -> Message:
        rng = self.rng
        size = rng.choice((0, 10, 10, 60, 300, 300, 5_000, 20_000))
        job: Message = {
            "kind": rng.choice(KINDS),
            "payload": {"n": len(self.book.orders) + 1, "filler": rng.randbytes(size // 2).hex()},
        }
        if rng.random() < 0.3:
            job["priority"] = rng.randrange(3)
        if rng.random() < 0.2:
            job["tags"] = [rng.choice("abc")]
        if rng.random() < 0.15:
            job["delay_seconds"] = 3_600
        if rng.random() < 0.1 and self.book.ids:
            job["after"] = [rng.choice(self.book.ids)]
        if rng.random() < 0.1:
            job["lock"] = rng.choice("xyz")
        return job

    def submit(self) -> None:
        rng, job = self.rng, self.job()
        job["queue"] = rng.choice(QUEUES)
        if rng.random() < 0.3:
            job["key"] = f"key-{job['payload']['n']}"
            self.book.keys.append(job)
        is_short = rng.random() < 0.2 and "key" not in job and "after" not in job
        if is_short:
            job["keep_seconds"] = SOON_GONE
        name = self.client.ok("submit", **job, follow=rng.random() < 0.3)["id"]
        self.book.ids.append(name)
        self.book.single.add(name)

    def burst(self) -> None:
        """Many that share a commit or two."""
        times = self.rng.randrange(3, 12)
        refs = [self.client.post("submit", **self.job(), queue="default") for _ in range(times)]
        self.book.ids += [self.client.answer(ref)["id"] for ref in refs]

    def bulk(self) -> None:
        jobs: list[Message] = []
        for _ in range(self.rng.randrange(2, 9)):
            job = self.job()
            job["payload"]["n"] += len(jobs)
            jobs.append(job)
        self.book.ids += self.client.ok("submit", queue="night", jobs=jobs)["ids"]

    def again(self) -> None:
        """The same key once more, as after a lost answer."""
        if self.book.keys:
            job = self.rng.choice(self.book.keys[-20:])
            self.client.ask("submit", **job)

    def cancel(self) -> None:
        if self.book.ids:
            name = self.rng.choice(self.book.ids[-60:])
            if self.client.ask("cancel", id=name).get("ok"):
                self.book.ended.append(name)

    def remove(self) -> None:
        single = [name for name in self.book.ended if name in self.book.single]
        if single:
            self.client.ask("remove", id=self.rng.choice(single[-40:]))

    def set_queue(self) -> None:
        self.client.ok("queue", queue=self.rng.choice(QUEUES), max_waiting=self.rng.randrange(10_000, 99_999))

    def token(self) -> None:
        name = self.rng.choice(("ann", "bob"))
        self.client.ask("token", do=self.rng.choice(("create", "revoke")), name=name, roles=["read"])

    # The worker.

    def collect(self) -> None:
        """Every job that was handed out up to now, less those that were taken away again."""
        self.in_hand += self.worker.delivered()
        stopped = {(m["stop"]["id"], m["stop"]["attempt"]) for m in self.worker.inbox if "stop" in m}
        for name, attempt in stopped:
            self.worker.ask("fail", id=name, attempt=attempt, retry=False)
        self.worker.inbox.clear()
        self.client.inbox.clear()
        self.in_hand = [job for job in self.in_hand if (job["id"], job["attempt"]) not in stopped]

    def _take(self) -> Message | None:
        return self.in_hand.pop(self.rng.randrange(len(self.in_hand))) if self.in_hand else None

    def _result(self, job: Message, text: str = "") -> Message:
        return {"n": job["payload"]["n"], "attempt": job["attempt"], "log": text}

    def finish(self) -> None:
        job = self._take()
        if job is None:
            return
        me = {"id": job["id"], "attempt": job["attempt"]}
        text = ""
        if self.rng.random() < 0.3:
            text = f"line of {job['payload']['n']} " + "x" * self.rng.choice((5, 3_000))
            self.worker.ask("log", **me, text=text)
            self.worker.ask("progress", **me, percent=50, text="half")
        if self.worker.ask("done", **me, result=self._result(job, text)).get("ok"):
            self.book.ended.append(job["id"])

    def finish_many(self) -> None:
        jobs = [job for job in [self._take() for _ in range(4)] if job is not None]
        if jobs:
            done = [{"id": job["id"], "attempt": job["attempt"], "result": self._result(job)} for job in jobs]
            self.worker.ask("done", jobs=done)
            self.book.ended += [job["id"] for job in jobs]

    def give_up(self) -> None:
        job = self._take()
        if job is not None:
            retry = self.rng.random() < 0.5
            self.worker.ask("fail", id=job["id"], attempt=job["attempt"], retry=retry, delay_seconds=0.01)

    def give_back(self) -> None:
        job = self._take()
        if job is not None:
            self.worker.ask("release", id=job["id"], attempt=job["attempt"], delay_seconds=0.0)
