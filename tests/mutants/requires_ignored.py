"""Workers: a job is given to a worker that does not offer what it requires."""

from __future__ import annotations

from hirehall.core import lanes
from tests.mutants import Replace

CATCHERS = ("tests/core/test_dispatcher.py::test_a_job_waits_for_a_worker_whose_offers_satisfy_it",)


def plant(replace: Replace) -> None:
    replace(lanes, "satisfies", lambda offers, requires: True)
