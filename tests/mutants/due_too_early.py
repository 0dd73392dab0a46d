"""Expiry: a job that is to start later starts at once."""

from __future__ import annotations

from typing import Any

from hirehall.core import intake
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_sweep.py::test_a_scheduled_job_is_ready_when_its_time_has_come_and_not_before",)


def plant(replace: Replace) -> None:
    original = intake._schedule

    def schedule(job: Any, due: int | None, wall_ms: int) -> None:
        original(job, None, wall_ms)

    replace(intake, "_schedule", schedule)
