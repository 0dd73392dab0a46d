"""G15: a job that expires is still counted among those that wait."""

from __future__ import annotations

from typing import Any

from hirehall.model import State
from hirehall.stores.sqlite_work import Work
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = Work.move

    def move(work: Work, job: int, lane: int, was: State, state: Any, **more: Any) -> None:
        original(work, job, lane, was, state, **more)
        if state is State.EXPIRED:
            work.counts[lane, int(was)] += 1

    replace(Work, "move", move)
