"""Tokens: one that is limited to some queues, or may only submit, reads and cancels the jobs of others."""

from __future__ import annotations

from hirehall.model import Scope
from tests.mutants import Replace

CATCHERS = ("tests/service/test_roles.py::test_a_job_of_another_queue_is_not_there_for_a_limited_token",)


def plant(replace: Replace) -> None:
    replace(Scope, "allows", lambda scope, owner, queue: True)
