"""G6: the end of a job is told before its submit is answered, when a search holds the answer up."""

from __future__ import annotations

from hirehall.service.sessions import Session
from tests.mutants import Replace

CATCHERS = ("tests/service/test_find.py::test_the_end_of_a_job_is_not_told_before_its_submit_is_answered",)


def plant(replace: Replace) -> None:
    replace(Session, "put_behind", Session.put)
