"""The deterministic simulation: production service, wire and store code on virtual time, network and disk."""

from __future__ import annotations

from dataclasses import fields

import pytest

from tests.sim.faults import Faults, Work
from tests.sim.seeds import CHUNKS, Third
from tests.sim.world import World

REPLAYED = (2, 23, 205, 232)
THIRD = Third(0)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_promise_is_broken_whatever_fails(chunk: int) -> None:
    """The first third of CI's seeds; the others are in files of their own."""
    THIRD.run(chunk)


@pytest.mark.slow
def test_every_rare_event_did_happen() -> None:
    assert THIRD.missing() == []


@pytest.mark.parametrize("seed", REPLAYED)
def test_a_seed_replays_bit_for_bit(seed: int) -> None:
    assert World(seed).run() == World(seed).run()


def test_the_replayed_seeds_have_every_fault_and_every_sort_of_work() -> None:
    worlds = [World(seed) for seed in REPLAYED]
    for name in (field.name for field in fields(Faults)):
        assert any(getattr(world.faults, name) for world in worlds), name
    for name in (field.name for field in fields(Work)):
        assert any(getattr(world.work, name) for world in worlds), name
