"""G12, G17: whoever falls silent keeps its jobs for ever."""

from __future__ import annotations

from hirehall.core.leases import Leases
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    replace(Leases, "_fall_due", lambda leases, worker, lease: None)
