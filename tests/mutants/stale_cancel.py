"""G16: a cancel that comes after the end is answered as if it had come before."""

from __future__ import annotations

from typing import Any

from hirehall.core import lifecycle
from hirehall.core.operations import WRONG_STATE
from hirehall.service import change_commands
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = change_commands._one

    def one(change: Any, job: str) -> Any:
        if change.step is lifecycle.CANCEL and change.answer == WRONG_STATE:
            return change_commands.replies.Judged()
        return original(change, job)

    replace(change_commands, "_one", one)
