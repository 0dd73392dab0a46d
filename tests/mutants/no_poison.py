"""G10: a job that kills its workers is tried for ever."""

from __future__ import annotations

from hirehall.core import endings
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(endings, "attempts_left", lambda attempt, forgiven, most: True)
