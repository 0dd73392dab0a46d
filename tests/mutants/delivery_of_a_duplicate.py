"""G2, G7: a submit that was placed on a worker at once is delivered even when the store already had the job."""

from __future__ import annotations

from typing import Any

from hirehall.core.settling import Settling
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = Settling._submit

    def settle(settling: Any, submit: Any) -> None:
        if submit.ids:
            answers = zip(submit.jobs, submit.ids, strict=True)
            submit = type(submit)(submit.jobs, [job.id if job.holder else answer for job, answer in answers])
        original(settling, submit)

    replace(Settling, "_submit", settle)
