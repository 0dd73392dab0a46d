"""G6, G11: of two results in one commit each is stored with the other's job."""

from __future__ import annotations

from typing import Any

from hirehall.stores import sqlite_changes
from tests.mutants import Replace

CATCHERS = (
    "tales",
    "tests/stores/test_runs.py::test_each_of_many_results_stays_with_its_job",
)


def plant(replace: Replace) -> None:
    original = sqlite_changes._succeed

    def succeed(work: Any, changes: list[Any]) -> None:
        results = [result for change in changes for result in change.results]
        others = iter(results[1:] + results[:1])
        for change in changes:
            change.results = [next(others) for _ in change.results]
        original(work, changes)

    replace(sqlite_changes, "_succeed", succeed)
