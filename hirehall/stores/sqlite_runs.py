"""Runs: jobs of one batch whose ids follow each other and that are equal in all but their bodies.

A run is one statement, which costs about half of what one for each job does. A short one is not worth it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import apsw

SHORTEST = 8  # jobs
HAS_ARRAYS = "ENABLE_CARRAY" in apsw.compile_options  # as in apsw's wheels: payloads of a run are handed over as one

Job = TypeVar("Job")


class Results(dict[int, bytes | None]):
    """What `result_of(id)` answers in the SQL of one connection."""

    def __init__(self, db: apsw.Connection) -> None:
        super().__init__()
        db.create_scalar_function("result_of", self._of, 1)

    def _of(self, *job: Any) -> bytes | None:
        return self[job[0]]


def runs(jobs: Iterable[Job], terms: Callable[[Job], tuple[int, tuple[Any, ...]]]) -> Iterator[tuple[Any, list[Job]]]:
    """Each run with its terms. `terms` says a job's id, and all that must be equal."""
    run: list[Job] = []
    following, shared = 0, None
    for job in jobs:
        number, its = terms(job)
        if number != following or its != shared:
            if run:
                yield shared, run
            run, shared = [], its
        run.append(job)
        following = number + 1
    if run:
        yield shared, run
