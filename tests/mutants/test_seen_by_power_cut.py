"""A power cut sees the mutants that it is the first to see: the control of all its images, each with one sync less."""

from __future__ import annotations

import pytest

from tests.mutants import POWER_CUT, about, names
from tests.mutants._catching import caught_by_seed

SEEDS = 3
MINE = [name for name in names() if about(name).catchers[0] == POWER_CUT]


@pytest.mark.slow
@pytest.mark.parametrize("name", MINE)
def test_a_power_cut_shows_it_when(name: str) -> None:
    assert caught_by_seed(name, POWER_CUT, range(SEEDS)), f"not within {SEEDS} lives: {about(name).wrong}"
