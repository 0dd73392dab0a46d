"""G2: a key that is known answers with its job, whatever is to be done now."""

from __future__ import annotations

from typing import Any

from hirehall.stores import sqlite_submits
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_submit.py::test_the_same_key_with_another_job_is_a_conflict_and_stores_nothing",)


def plant(replace: Replace) -> None:
    original = sqlite_submits._twin

    def twin(work: Any, job: Any, known: Any) -> Any:
        found = original(work, job, known)
        return None if found is None else (found[0], job.spec.kind, bytes(job.payload), found[3])

    replace(sqlite_submits, "_twin", twin)
