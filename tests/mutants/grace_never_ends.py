"""G17: a worker whose connection closed has all the time in the world to come back."""

from __future__ import annotations

from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(Leases, "_grace_over", lambda leases, worker: None)
