"""G3: who waits for a job that ends meanwhile is never told."""

from __future__ import annotations

from hirehall.service.waits import Waits
from tests.mutants import Replace

CATCHERS = ("tests/service/test_honest_answers.py::test_who_waits_is_told_when_the_last_of_its_jobs_has_ended",)


def plant(replace: Replace) -> None:
    replace(Waits, "ended", lambda waits, ends: None)
