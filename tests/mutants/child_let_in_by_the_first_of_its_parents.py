"""After: a job that waits for two others goes when one of them has succeeded."""

from __future__ import annotations

from typing import Any

from hirehall.stores import sqlite_gates
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    def one_less(work: Any, child: int) -> None:
        work.db.execute("UPDATE gates SET waits = 0, stage = 1 WHERE id = ?", (child,))
        gate = work.db.execute("SELECT queue, lock FROM gates WHERE id = ?", (child,)).fetchone()
        if gate is not None:
            work.wanting.append((child, *gate))

    replace(sqlite_gates, "_one_less", one_less)
