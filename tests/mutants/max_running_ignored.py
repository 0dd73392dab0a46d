"""Queues: any number of jobs of a queue runs at once, whatever it says."""

from __future__ import annotations

from typing import Any

from hirehall.core.queues import MAX_LIMIT, QueueLine
from tests.mutants import Replace

CATCHERS = ("tests/core/test_queues.py::test_no_more_jobs_of_a_queue_run_than_it_says_whatever_the_credit",)


def plant(replace: Replace) -> None:
    original = QueueLine.measure

    def measure(line: Any, running: int, now: float) -> None:
        original(line, -MAX_LIMIT, now)

    replace(QueueLine, "measure", measure)
