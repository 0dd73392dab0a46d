"""G9: a job with `max_attempts` 1 has a second attempt."""

from __future__ import annotations

from hirehall.core import endings
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    original = endings.attempts_left
    replace(endings, "attempts_left", lambda attempt, forgiven, most: original(attempt, forgiven, max(most, 2)))
