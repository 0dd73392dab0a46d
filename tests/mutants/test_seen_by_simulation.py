"""The simulation sees the mutants that it is the first to see."""

from __future__ import annotations

import pytest

from tests.mutants import SIMULATION, about, names
from tests.mutants._catching import caught_by_seed

SEEDS = 150
MINE = [name for name in names() if about(name).catchers[0] == SIMULATION]


@pytest.mark.slow
@pytest.mark.parametrize("name", MINE)
def test_the_simulation_sees_it_when(name: str) -> None:
    assert caught_by_seed(name, SIMULATION, range(SEEDS)), f"not within {SEEDS} seeds: {about(name).wrong}"
