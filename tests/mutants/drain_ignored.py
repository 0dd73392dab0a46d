"""Queues: a queue that is drained takes jobs."""

from __future__ import annotations

from hirehall.core.queues import DOWN, QueueLine
from tests.mutants import Replace

CATCHERS = ("tests/core/test_queues.py::test_a_drained_queue_hands_out_what_is_there_and_refuses_more",)


def plant(replace: Replace) -> None:
    original = QueueLine.check_open

    def check_open(line: QueueLine, jobs: int) -> None:
        if line.settings.state == DOWN:
            original(line, jobs)

    replace(QueueLine, "check_open", check_open)
