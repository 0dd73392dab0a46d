"""G29: an address may try as many tokens as it likes."""

from __future__ import annotations

from hirehall.doors.knocks import Knocks
from tests.mutants import Replace

CATCHERS = ("tests/doors/test_remote.py::test_an_address_may_try_again_after_a_minute",)


def plant(replace: Replace) -> None:
    replace(Knocks, "must_wait", lambda knocks, address, now: False)
