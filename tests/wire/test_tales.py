"""Fifty thousand short sequences of valid commands, each effect checked. What they must see: tests/mutants."""

from __future__ import annotations

import pytest

from tests.wire.sorts import IN_TESTS, SORTS, seeds
from tests.wire.tales.crowd import TALES, Crowd


@pytest.mark.slow
def test_every_effect_of_fifty_thousand_sequences_is_as_it_must_be() -> None:
    for seed in range(seeds("tales", IN_TESTS)):
        assert SORTS["tales"].run(seed).problems == [], f"python -m tests.wire tales {seed}"


def test_at_least_half_of_all_inputs_are_sequences_of_valid_commands() -> None:
    tales, plays = seeds("tales", IN_TESTS) * TALES, seeds("plays", IN_TESTS) // 2
    assert tales + plays >= IN_TESTS / 2
    assert sum(seeds(name, IN_TESTS) * sort.size for name, sort in SORTS.items()) >= IN_TESTS


def test_a_seed_is_the_same_tales_every_time() -> None:
    def told(seed: int) -> list[bytes]:
        crowd = Crowd(seed)
        assert crowd.run() == []
        return [data for tale in crowd.tales for _, data in tale.log]

    assert told(7) == told(7)
