"""Tokens: one that is revoked keeps the connections that it has."""

from __future__ import annotations

from hirehall.service import hall
from tests.mutants import Replace

CATCHERS = ("tests/service/test_watch.py::test_a_revoked_token_hears_nothing_more",)


def plant(replace: Replace) -> None:
    replace(hall, "expel", lambda hall, names, why: None)
