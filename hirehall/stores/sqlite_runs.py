"""Runs: jobs of one batch whose ids follow each other and that are equal in all but their bodies.

A run is one statement, which costs about half of what one for each job does. A short one is not worth it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import apsw

from hirehall.core.operations import Body

SHORTEST = 8  # jobs
HAS_ARRAYS = "ENABLE_CARRAY" in apsw.compile_options  # as in apsw's wheels: payloads of a run are handed over as one

Job = TypeVar("Job")


class Results(dict[int, Body]):
    """What `result_of(id)` answers in the SQL of one connection."""

    def __init__(self, db: apsw.Connection) -> None:
        super().__init__()
        find: Callable[..., Any] = self.__getitem__  # a call of Python for each job would take longer than the rest
        db.create_scalar_function("result_of", find, 1)


def runs(jobs: Iterable[Job], terms: Callable[[Job], tuple[int, int, Any]]) -> Iterator[tuple[Any, list[Job]]]:
    """Each run with its terms. `terms` says an id, of how many jobs it is the first, and all that must be equal."""
    run: list[Job] = []
    following, shared = 0, None
    for job in jobs:
        number, count, its = terms(job)
        if number != following or its != shared:
            if run:
                yield shared, run
            run, shared = [], its
        run.append(job)
        following = number + count
    if run:
        yield shared, run
