"""Queues: a pause is stored, and nobody looks at it."""

from __future__ import annotations

from hirehall.core.queues import QueueLine
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(QueueLine, "hands_out", property(lambda line: True))
