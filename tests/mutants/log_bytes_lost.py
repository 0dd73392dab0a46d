"""Logs: what an attempt said after the last second is forgotten with its lease."""

from __future__ import annotations

from typing import Any

from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(Leases, "_close", _close)


def _close(leases: Any, job: int) -> Any:
    return leases.open.pop(job, None)
