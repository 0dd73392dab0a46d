"""G6: a worker that speaks Deputy's dialect is shown an id in another spelling than the client gave it."""

from __future__ import annotations

from typing import Any

from hirehall.service import deputy
from tests.mutants import Replace

CATCHERS = (
    "tales",
    "tests/service/test_honest_answers.py::test_an_id_of_deputys_comes_back_as_it_was_written",
)


def plant(replace: Replace) -> None:
    original = deputy._shown_id

    def shown_id(meta: Any, job: int) -> bytes:
        return deputy.canonical_id(original(meta, job))

    replace(deputy, "_shown_id", shown_id)
