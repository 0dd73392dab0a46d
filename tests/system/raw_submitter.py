"""A submitter that believes only what was answered: every answered job is an fsynced line, then it counts.

    python -m tests.system.raw_submitter DATA ACKS PREFIX COUNT [--rate PER_SECOND] [--bulk N] [--longest MS]

Every job has a key, PREFIX-0 to PREFIX-(COUNT-1); after a lost connection, whatever was not answered is
submitted again.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from tests.system.lines import Hangup, Line, Message, Silence, dial, read_access

AGAIN = frozenset({"unknown", "busy", "unavailable"})
RECONNECT_SECONDS = 0.02
WINDOW = 100  # batches under way at once
Batch = list[Message]


def job_named(key: str, number: int, longest_ms: int) -> Message:
    """A job whose payload carries its key as the marker; lengths vary, and are the same in every run."""
    payload = {"marker": key, "ms": 5 + number * 37 % longest_ms}
    return {"key": key, "kind": f"kind-{number % 3}", "payload": payload}


def tied(job: Message, number: int) -> Message:
    """Every third job waits for others, those that were acknowledged some time ago; every fourth has a lock."""
    after: Message = {"after": []} if number % 3 == 0 else {}
    lock: Message = {"lock": f"lock-{number % 5}"} if number % 4 == 0 else {}
    return job | after | lock


class Submitter:
    """Batches that wait, batches that are under way, and a log of what was answered."""

    def __init__(self, data: Path, acks: Path, batches: list[Batch], rate: float) -> None:
        self.data = data
        self.todo = deque(batches)
        self.under_way: dict[int, Batch] = {}
        self.rate = rate
        self.sent = 0
        self.acked: list[str] = []  # what later jobs may wait for
        self.began = time.monotonic()
        self.log = os.open(acks, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def run(self) -> None:
        """Until every batch is answered."""
        while self.todo or self.under_way:
            try:
                with self._connected() as line:
                    self._pump(line)
            except (OSError, Silence):
                self.todo.extendleft(self.under_way.values())
                self.under_way.clear()
                time.sleep(RECONNECT_SECONDS)

    def _connected(self) -> Line:
        access = read_access(self.data)
        line = Line(dial(access["url"]))
        try:
            greeted = line.ask("hello", token=access["token"], name="submitter")
            if "error" in greeted:  # another hall is there by now
                raise Hangup(str(greeted))
        except BaseException:
            line.close()
            raise
        return line

    def _pump(self, line: Line) -> None:
        while self.todo or self.under_way:
            wait = self._wait()
            if wait <= 0:
                self._submit(line)
                continue
            with suppress(Silence):
                self._answered(line.read(wait))

    def _wait(self) -> float:
        """Seconds until the next batch may go; with a full window, or none left, only answers count."""
        if not self.todo or len(self.under_way) >= WINDOW:
            return 1.0
        return self.began + self.sent / self.rate - time.monotonic()

    def _submit(self, line: Line) -> None:
        batch = self.todo[0]  # it stays there when the connection breaks in the middle of this
        for job in batch:
            if job.get("after") == []:  # chosen once, so that the job is the same when it is said again
                job["after"] = self.acked[-40::20] or None
        jobs = batch[0] if len(batch) == 1 else {"jobs": batch}
        self.under_way[line.post("submit", **jobs)] = batch
        self.todo.popleft()
        self.sent += len(batch)

    def _answered(self, reply: Message) -> None:
        batch = self.under_way.pop(reply["ref"])
        if "error" in reply:
            assert reply["error"]["code"] in AGAIN, reply
            self.todo.appendleft(batch)
            return
        self._ack(batch, reply.get("ids") or [reply["id"]])

    def _ack(self, batch: Batch, ids: list[str]) -> None:
        assert len(ids) == len(batch), f"{len(ids)} ids for {len(batch)} jobs"
        for job, answered in zip(batch, ids, strict=True):
            ack = {"id": answered, "key": job["key"], "marker": job["payload"]["marker"]}
            os.write(self.log, json.dumps(ack).encode() + b"\n")
            self.acked.append(answered)
        os.fsync(self.log)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("acks", type=Path)
    parser.add_argument("prefix")
    parser.add_argument("count", type=int)
    parser.add_argument("--rate", type=float, default=500.0)
    parser.add_argument("--bulk", type=int, default=1)
    parser.add_argument("--longest", type=int, default=150)
    parser.add_argument("--tied", action="store_true", help="jobs wait for others and have locks")
    options = parser.parse_args()
    jobs = [job_named(f"{options.prefix}-{n}", n, options.longest) for n in range(options.count)]
    if options.tied:
        jobs = [tied(job, n) for n, job in enumerate(jobs)]
    batches = [jobs[n : n + options.bulk] for n in range(0, len(jobs), options.bulk)]
    Submitter(options.data, options.acks, batches, options.rate).run()


if __name__ == "__main__":
    main()
