"""G1: nothing is wrong. Nobody may see this one: it shows that the check itself can fail."""

from __future__ import annotations

from tests.mutants import Replace

CATCHERS = ("simulation", "fuzzer", "tests/core/test_rules.py::test_forgiven_attempts_do_not_count")


def plant(replace: Replace) -> None:
    """The process stays as it is."""
