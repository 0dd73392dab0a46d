"""Tokens: one whose time is over is as good as before."""

from __future__ import annotations

from hirehall.service.access import Tokens
from tests.mutants import Replace

CATCHERS = ("tests/service/test_token_limits.py::test_a_token_counts_until_its_time_is_over",)


def plant(replace: Replace) -> None:
    replace(Tokens, "_has_expired", lambda tokens, name, wall_ms: False)
