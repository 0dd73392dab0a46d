"""Queues: a queue that is full takes more."""

from __future__ import annotations

from hirehall.core.queues import QueueLine
from tests.mutants import Replace

CATCHERS = ("tests/core/test_queues.py::test_a_full_queue_is_busy_until_some_of_its_jobs_start",)


def plant(replace: Replace) -> None:
    replace(QueueLine, "ready", property(lambda line: 0))
