"""G6, G11: of two results in one commit each is stored with the other's job."""

from __future__ import annotations

from typing import Any

from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = (
    "tales",
    "tests/stores/test_judge.py::test_results_of_one_batch_stay_with_their_jobs",
)


def plant(replace: Replace) -> None:
    original = sqlite_changes._succeed

    def succeed(work: Any, changes: list[Any]) -> None:
        results = [change.result for change in changes]
        for change, result in zip(changes, results[1:] + results[:1], strict=True):
            change.result = result
        original(work, changes)

    replace(sqlite_changes, "_succeed", succeed)
