"""G5: `remove` takes jobs that have not ended."""

from __future__ import annotations

from hirehall.core import judging, lifecycle
from tests.mutants import Replace

CATCHERS = ("tests/service/test_changes.py::test_a_change_fits_some_states_and_names_the_others",)


def plant(replace: Replace) -> None:
    original = judging._may_start
    replace(judging, "_may_start", lambda change, row: change.step is lifecycle.REMOVE or original(change, row))
