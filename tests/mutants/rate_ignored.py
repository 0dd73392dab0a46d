"""Queues: jobs start as fast as they can, whatever the rate of their queue."""

from __future__ import annotations

from hirehall.core.queues import QueueLine
from tests.mutants import Replace

CATCHERS = ("tests/core/test_queues.py::test_jobs_start_no_faster_than_their_queue_says_and_no_slower",)


def plant(replace: Replace) -> None:
    original = QueueLine.measure

    def measure(line: QueueLine, running: int, now: float) -> None:
        line.tokens = 1_000_000.0
        original(line, running, now)
        line.room = 1_000 if line.settings.max_per_second is not None and line.hands_out else line.room

    replace(QueueLine, "measure", measure)
