"""The wire fuzzer, and the tales among its inputs, see the mutants that they are the first to see."""

from __future__ import annotations

import pytest

from tests.mutants import FUZZER, TALES, about, names
from tests.mutants._catching import caught_by_seed

SEEDS = {FUZZER: 150, TALES: 5}
MINE = [(name, about(name).catchers[0]) for name in names() if about(name).catchers[0] in SEEDS]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "how"), MINE, ids=[name for name, _ in MINE])
def test_the_fuzzer_sees_it_when(name: str, how: str) -> None:
    assert caught_by_seed(name, how, range(SEEDS[how])), f"not within {SEEDS[how]} cases: {about(name).wrong}"
