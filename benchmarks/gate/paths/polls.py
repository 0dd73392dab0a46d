"""Clients that ask again and again."""

from __future__ import annotations

from typing import Any

from benchmarks.gate.messages import bulk_submits, line
from benchmarks.gate.paths.path import Path, replies

QUEUES, JOBS = 20, 50
POLLS = 300


class Poll(Path):
    """One question, so many times."""

    def prepare(self) -> None:
        self.submit(bulk_submits({"queue": f"queue-{number % QUEUES}"} for number in range(QUEUES * JOBS)))
        self.serve(queues=["queue-0"], kinds=["noop"])
        self.questions = line(**self.question(self.first())) * POLLS

    def first(self) -> str:
        """A job that runs, and goes on running."""
        self.take(1)
        return self.held[0].id

    def question(self, job: str) -> dict[str, Any]:
        """What is asked, about this job."""
        raise NotImplementedError

    def run(self) -> int:
        self.client.sock.sendall(self.questions)
        replies(self.client, POLLS)
        return POLLS


class Get(Poll):
    """a `get` of a job that runs"""

    def question(self, job: str) -> dict[str, Any]:
        return {"cmd": "get", "ids": [job]}


class Wait(Poll):
    """a `wait` for a job that runs, without patience"""

    def question(self, job: str) -> dict[str, Any]:
        return {"cmd": "wait", "ids": [job], "timeout_seconds": 0}


class Counts(Poll):
    """a `counts` of 20 queues"""

    def question(self, job: str) -> dict[str, Any]:
        return {"cmd": "counts"}
