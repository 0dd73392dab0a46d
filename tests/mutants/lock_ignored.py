"""Locks: a lock is stored with its job and holds nobody back."""

from __future__ import annotations

from typing import Any

from hirehall.core import intake
from hirehall.model import State
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = intake.draft

    def draft(*given: Any) -> Any:
        job = original(*given)
        if job.is_gated and not job.after:
            job.is_gated = False
            job.state = State.READY if job.state is State.BLOCKED else job.state
        return job

    replace(intake, "draft", draft)
