"""G13: a worker that the hall no longer answers goes on with jobs that others may have by now."""

from __future__ import annotations

from hirehall.worker.agent import Agent
from tests.mutants import Replace

FILE = "tests/worker/test_agent_leases.py"
CATCHERS = (f"{FILE}::test_without_an_answered_beat_for_lease_less_a_tenth_every_job_is_stopped_and_not_reported",)


def plant(replace: Replace) -> None:
    replace(Agent, "_fence", lambda agent: None)
