"""G10: a job that failed is tried again at once, whatever its backoff."""

from __future__ import annotations

from hirehall.core import endings
from tests.mutants import Replace

CATCHERS = ("tests/core/test_dispatcher.py::test_a_failure_waits_its_backoff_and_runs_again",)


def plant(replace: Replace) -> None:
    replace(endings, "backoff_seconds", lambda rule, tries, roll: 0.0)
