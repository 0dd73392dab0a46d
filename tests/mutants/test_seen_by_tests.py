"""The test that is the first to see a mutant fails with it, and only with it."""

from __future__ import annotations

import pytest

from tests.mutants import about, names
from tests.mutants._catching import SEEDED, Caught, Finding, Pair, caught_by_tests

MINE = [(name, about(name).catchers[0]) for name in names() if about(name).catchers[0] not in SEEDED]


@pytest.fixture(scope="module")
def found() -> dict[Pair, Finding]:
    """What each of them saw, in one process."""
    return caught_by_tests(MINE)


@pytest.mark.slow
@pytest.mark.parametrize("pair", MINE, ids=lambda pair: pair[0])
def test_its_test_fails_when(pair: Pair, found: dict[Pair, Finding]) -> None:
    assert isinstance(found[pair], Caught), found[pair] or f"{pair[1]} passes though {about(pair[0]).wrong}"
