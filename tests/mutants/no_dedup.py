"""G2: a key is read and forgotten: a submit that is said again makes another job."""

from __future__ import annotations

from typing import Any

import msgspec

from hirehall.stores import sqlite_submits
from tests.mutants import Replace

CATCHERS = ("simulation",)


def plant(replace: Replace) -> None:
    def admitted(work: Any, submit: Any) -> list[Any]:
        for job in submit.jobs:
            job.spec = msgspec.structs.replace(job.spec, key=None)
        submit.ids = [job.id for job in submit.jobs]
        return list(submit.jobs)

    replace(sqlite_submits, "_admitted", admitted)
