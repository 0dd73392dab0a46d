"""G4: of a bulk submit with a key in conflict the other jobs are stored."""

from __future__ import annotations

from typing import Any

from hirehall.stores import sqlite_submits
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_submit.py::test_one_conflict_refuses_the_whole_bulk_submit_and_no_other",)


def plant(replace: Replace) -> None:
    original = sqlite_submits._admitted

    def admitted(work: Any, submit: Any) -> list[Any]:
        fresh = original(work, submit)
        if submit.conflict is None:
            return fresh
        return [job for job in submit.jobs if sqlite_submits._twin(work, job, {}) is None]

    replace(sqlite_submits, "_admitted", admitted)
