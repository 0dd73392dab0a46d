"""A worker that speaks the protocol line by line: as a process of its own, or in a thread of a test.

    python -m tests.system.raw_worker DATA MARKS NAME [--credit N] [--lease SECONDS] [--bulk] ...

A job's payload says what to do: `{"ms": 20}` takes that long, `{"fail": 2}` fails the first two attempts,
`{"poison": true}` kills the worker. After a lost connection it comes back, keeps what it holds and sends
unanswered results again. What happens to a job is a mark in the side-effect log; an ended job is one byte on
stdout, for whoever waits.
"""

from __future__ import annotations

import argparse
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.system.audit import Mark
from tests.system.lines import Hangup, Line, Message, Silence, dial, read_access

RECONNECT_SECONDS = 0.02
LONGEST_NAP = 0.1  # how late a worker may notice that it should stop


@dataclass(frozen=True)
class Trade:
    """What a worker offers and how it works."""

    name: str
    credit: int = 1
    lease_seconds: float = 3.0
    kinds: tuple[str, ...] = ("*",)
    queues: tuple[str, ...] = ("default",)
    offers: dict[str, Any] = field(default_factory=dict)
    bulk: bool = False  # many results in one message
    unix: bool = False
    wary: bool = False  # after a long sleep it asks what is still its own

    def work(self) -> Message:
        """The fields of its `work` request."""
        served = {"kinds": self.kinds, "queues": self.queues, "offers": self.offers}
        return {**served, "credit": self.credit, "lease_seconds": self.lease_seconds}


@dataclass
class Task:
    """One job in hand: finished when its work is done, out of the hand when the hall has answered."""

    id: str
    attempt: int
    payload: dict[str, Any]
    due: float
    finished: bool = False

    @property
    def fails(self) -> bool:
        return bool(self.attempt <= self.payload.get("fail", 0))

    def lease(self) -> Message:
        return {"id": self.id, "attempt": self.attempt}


class RawWorker:
    """One worker: a connection, a hand of tasks, and marks for what happens to them."""

    def __init__(self, data: Path, trade: Trade, mark: Callable[[Mark], None]) -> None:
        self.data = data
        self.trade = trade
        self.stopping = threading.Event()
        self._mark = mark
        self._worker = secrets.token_hex(8)
        self._line: Line | None = None
        self._hand: dict[tuple[str, int], Task] = {}
        self._asked: dict[int, list[Task]] = {}
        self._beat_at = 0.0

    def run(self) -> None:
        """Work until `stopping` is set, through any number of lost connections."""
        while not self.stopping.is_set():
            try:
                self._connect()
                self._serve()
            except (OSError, Silence):
                self.stopping.wait(RECONNECT_SECONDS)
            finally:
                self._hang_up()

    @property
    def line(self) -> Line:
        assert self._line is not None
        return self._line

    def _connect(self) -> None:
        access = read_access(self.data)
        self._line = Line(dial(f"hall+unix://{access['unix']}" if self.trade.unix else access["url"]))
        self._asked.clear()
        greeted = self.line.ask("hello", token=access["token"], worker=self._worker, name=self.trade.name)
        if "error" in greeted:  # another hall is there by now
            raise Hangup(str(greeted))
        self._keep()
        self.line.ok("work", **self.trade.work())
        self._beat_at = time.monotonic() + self.trade.lease_seconds / 3

    def _keep(self) -> None:
        """Say what is in hand; forget what the hall gave up, unless its result is still to be answered."""
        leases = [task.lease() for task in self._hand.values()]
        gone = self.line.ok("keep", jobs=leases)["lost"] if leases else []
        for task in [task for task in self._hand.values() if task.id in gone and not task.finished]:
            self._leave(task, "drop")
        self._report([task for task in self._hand.values() if task.finished])

    def _serve(self) -> None:
        turn = time.monotonic()
        while not self.stopping.is_set():
            self._finish_due()
            self._beat()
            with suppress(Silence):
                message = self.line.read(self._nap())
                turn = self._awake(turn)
                self._hear(message)
            turn = self._awake(turn)
        self._leave_hall()

    def _awake(self, turn: float) -> float:
        """Whoever is wary and has slept half a lease does not begin what it hears then: it comes back anew."""
        now = time.monotonic()
        if self.trade.wary and now - turn > self.trade.lease_seconds / 2:
            raise Hangup("slept for too long")
        return now

    def _leave_hall(self) -> None:
        """What is not done goes back; what is done has been said already, and the hall's answers come before its last
        word."""
        for task in [task for task in self._hand.values() if not task.finished]:
            self._leave(task, "release")
        self.line.ok("bye")
        for message in self.line.inbox:
            if message.get("ref") in self._asked:
                self._settle(message)

    def _nap(self) -> float:
        moments = [task.due for task in self._hand.values() if not task.finished]
        return max(0.0, min(*moments, self._beat_at, time.monotonic() + LONGEST_NAP) - time.monotonic())

    def _beat(self) -> None:
        if time.monotonic() >= self._beat_at:
            self.line.send({"cmd": "beat"})
            self._beat_at = time.monotonic() + self.trade.lease_seconds / 3

    def _hear(self, message: Message) -> None:
        if "run" in message:
            for job in message["run"]:
                self._start(job)
        elif "stop" in message:
            self._stop(message["stop"])
        elif "ref" in message:
            self._settle(message)
        else:
            raise RuntimeError(f"unexpected message {message}\n{self.line.dialogue}")

    def _start(self, job: Message) -> None:
        task = Task(job["id"], job["attempt"], job["payload"], time.monotonic())
        task.due += task.payload.get("ms", 0) / 1000
        self._hand[task.id, task.attempt] = task
        self._note(task, "start")
        if task.payload.get("poison"):
            self._mark(Mark("-", 0, self.trade.name, "killed", time.monotonic()))
            os.kill(os.getpid(), signal.SIGKILL)

    def _finish_due(self) -> None:
        now = time.monotonic()
        finished = [task for task in self._hand.values() if task.due <= now and not task.finished]
        for task in finished:
            task.finished = True
            self._note(task, "fail" if task.fails else "end")
        self._report(finished)

    def _report(self, tasks: list[Task]) -> None:
        done = [task for task in tasks if not task.fails]
        for task in tasks:
            if task.fails:
                self._asked[self.line.post("fail", **task.lease(), error={"message": "as told"})] = [task]
        if self.trade.bulk and done:
            results = [{**task.lease(), "result": self._result(task)} for task in done]
            self._asked[self.line.post("done", jobs=results)] = done
            return
        for task in done:
            self._asked[self.line.post("done", **task.lease(), result=self._result(task))] = [task]

    def _result(self, task: Task) -> Message:
        echo = {name: task.payload[name] for name in ("marker", "pad") if name in task.payload}
        return {"by": [task.attempt, self.trade.name], **echo}

    def _settle(self, reply: Message) -> None:
        """The hall's answer to results: only now is a task out of the hand."""
        tasks = self._asked.pop(reply["ref"], [])
        refused = {job["id"] for job in reply.get("refused", [])}
        for task in tasks:
            taken = "error" not in reply and task.id not in refused
            self._leave(task, "drop" if not taken else "fail" if task.fails else "done")

    def _stop(self, order: Message) -> None:
        task = self._hand.get((order["id"], order["attempt"]))
        if task is None or task.finished:
            return
        self._leave(task, "drop")
        self.line.post("fail", **task.lease(), error={"message": order["why"]}, retry=order["why"] == "timeout")

    def _leave(self, task: Task, event: str) -> None:
        del self._hand[task.id, task.attempt]
        if event != "fail":  # that was marked when it happened
            self._note(task, event)

    def _note(self, task: Task, event: str) -> None:
        self._mark(Mark(task.id, task.attempt, self.trade.name, event, time.monotonic()))

    def _hang_up(self) -> None:
        if self._line is not None:
            self._line.close()
            self._line = None


def append_to(path: Path, told: int) -> Callable[[Mark], None]:
    """Append marks to the side-effect log, each in one write; tell the descriptor `told` about every end."""
    log = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def mark(it: Mark) -> None:
        os.write(log, it.line())
        if it.event == "end":
            os.write(told, b".")

    return mark


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("marks", type=Path)
    parser.add_argument("name")
    parser.add_argument("--credit", type=int, default=1)
    parser.add_argument("--lease", dest="lease_seconds", type=float, default=3.0)
    parser.add_argument("--queue", dest="queues", action="append")
    parser.add_argument("--kind", dest="kinds", action="append")
    parser.add_argument("--bulk", action="store_true")
    parser.add_argument("--unix", action="store_true")
    parser.add_argument("--wary", action="store_true")
    options = vars(parser.parse_args())
    data, marks = options.pop("data"), options.pop("marks")
    options["queues"] = tuple(options["queues"] or ["default"])
    options["kinds"] = tuple(options["kinds"] or ["*"])
    worker = RawWorker(data, Trade(**options), append_to(marks, told=1))
    signal.signal(signal.SIGTERM, lambda *_: worker.stopping.set())
    worker.run()


if __name__ == "__main__":
    main()
