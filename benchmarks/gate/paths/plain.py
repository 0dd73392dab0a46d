"""The way of a plain job: its parts, and the whole of it."""

from __future__ import annotations

import select

from benchmarks.gate.loop import ALONE
from benchmarks.gate.messages import WAVE, bulk_dones, bulk_submits, dones, line, submits
from benchmarks.gate.paths.path import Path, replies, understood

PLAIN = bulk_submits([{}] * WAVE)


class Submit(Path):
    """a job: submitted in a message of its own, and nobody is there to take it"""

    MESSAGES = submits(WAVE)

    def run(self) -> int:
        self.client.sock.sendall(self.MESSAGES)
        replies(self.client, WAVE)
        return WAVE

    def after(self) -> None:
        self.take(WAVE)
        self.finish()


class Deliver(Path):
    """a job: taken out of the store and given to a worker that asks for many"""

    def before(self) -> None:
        self.submit(PLAIN)

    def run(self) -> int:
        self.take(WAVE)
        return WAVE

    def after(self) -> None:
        self.finish()


class Complete(Path):
    """a job: its result, in a message of its own"""

    def before(self) -> None:
        self.submit(PLAIN)
        self.take(WAVE)
        self.worker.ask({"cmd": "credit", "credit": 0})
        self.results = dones(self.held)

    def run(self) -> int:
        self.worker.sock.sendall(self.results)
        replies(self.worker, WAVE)
        return WAVE


class EndToEnd(Path):
    """a job: submitted in a message of its own to a hall with an idle worker, until its end has reached the client"""

    MESSAGES = submits(WAVE, follow=True)

    def prepare(self) -> None:
        self.worker.ask({"cmd": "credit", "credit": WAVE})

    def run(self) -> int:
        self.through(self.MESSAGES, WAVE)
        return WAVE

    def through(self, messages: bytes, count: int) -> None:
        """Submit them, and answer them as the worker, until so many ends are here."""
        self.client.sock.sendall(messages)
        ended = 0
        while ended < count:
            ready, _, _ = select.select([self.client.sock, self.worker.sock], [], [])
            if self.worker.sock in ready:
                jobs = [job for heard in understood(self.worker) for job in heard.run]
                if jobs:
                    self.worker.sock.sendall(bulk_dones(jobs))
            if self.client.sock in ready:
                ended += sum(len(heard.end) for heard in understood(self.client))


class EndToEndBulk(EndToEnd):
    """a job: the same with 100 jobs in a message"""

    MESSAGES = b"".join(bulk_submits([{}] * WAVE, follow=True))


class OneAtATime(EndToEnd):
    """a job: submitted, run and ended with nothing else under way, beside a loop whose batches are of one job"""

    BESIDE = ALONE
    JOBS = 40
    MESSAGES = submits(1, follow=True)

    def run(self) -> int:
        for _ in range(self.JOBS):
            self.through(self.MESSAGES, 1)
        return self.JOBS


class ProgressFlood(Path):
    """a report of progress: 40 of each job, with the job's end"""

    JOBS, REPORTS = 50, 40

    def before(self) -> None:
        self.submit(bulk_submits([{}] * self.JOBS))
        self.take(self.JOBS)
        self.flood = b"".join(
            line("progress", id=job.id, attempt=job.attempt, percent=report * 100 / self.REPORTS, text=f"step {report}")
            for report in range(self.REPORTS)
            for job in self.held
        )

    def run(self) -> int:
        self.worker.sock.sendall(self.flood)
        self.finish()
        return self.JOBS * self.REPORTS
