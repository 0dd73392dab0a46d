"""Expiry: a job that did not start in time starts all the same."""

from __future__ import annotations

from hirehall.stores import sqlite_sweep
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_claims.py::test_an_expired_job_is_never_claimed_even_before_the_sweep",)


def plant(replace: Replace) -> None:
    condition = "expires_at > ?"
    assert condition in sqlite_sweep.CLAIMABLE
    replace(sqlite_sweep, "CLAIMABLE", sqlite_sweep.CLAIMABLE.replace(condition, "coalesce(expires_at, ?)"))
