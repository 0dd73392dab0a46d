"""G12: a beat extends nothing: a job that takes longer than its lease is given to another worker."""

from __future__ import annotations

from hirehall.core import keeping
from tests.mutants import Replace

CATCHERS = ("tests/core/test_dispatcher.py::test_a_beaten_lease_lives_and_a_silent_one_is_lost",)


def plant(replace: Replace) -> None:
    replace(keeping, "beat", lambda leases, session, holder: None)
