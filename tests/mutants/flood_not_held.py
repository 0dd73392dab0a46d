"""G30: a batch grows as long as commands come: nobody is held back."""

from __future__ import annotations

from hirehall.core.collecting import Collecting
from tests.mutants import Replace

CATCHERS = ("tests/service/test_floods.py::test_a_batch_that_is_full_takes_no_more",)


def plant(replace: Replace) -> None:
    replace(Collecting, "full", property(lambda collecting: False))
