"""The deterministic simulation: production service, wire and store code on virtual time, network and disk."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from tests.sim.audit import Violation
from tests.sim.mutants import PLANTED
from tests.sim.world import World

SEEDS = int(os.environ.get("SEEDS", "500"))
CHUNKS = 10
RARE = (
    "killed before commit", "killed after commit, before sync", "killed after sync, before replies",
    "killed before send", "killed, unsynced writes kept", "half-open connection", "hall frozen", "line dropped",
    "line reordered", "wall clock jumped", "worker died", "worker fenced itself", "worker hangs", "worker lies",
    "worker outlived the trouble", "watcher begins anew", "queue set", "job waited for another",
    "job waited for its lock", "job tried again", "job removed", "log kept", "follower to be told",
)  # fmt: skip

seen: Counter[str] = Counter()


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_promise_is_broken_whatever_fails(chunk: int) -> None:
    for seed in range(chunk * SEEDS // CHUNKS, (chunk + 1) * SEEDS // CHUNKS):
        world = World(seed)
        try:
            world.run()
        except Exception as exc:
            pytest.fail(f"replay with: python -m tests.sim --seed {seed}\n{exc!r}")
        seen.update(world.seen)


@pytest.mark.slow
def test_every_rare_event_did_happen() -> None:
    if not seen:
        test_no_promise_is_broken_whatever_fails(0)
    assert not [what for what in RARE if seen[what] == 0], seen


def test_a_seed_replays_bit_for_bit() -> None:
    assert World(11).run() == World(11).run()


@pytest.mark.slow
@pytest.mark.parametrize("plant", PLANTED, ids=lambda plant: plant.__name__)
def test_a_planted_bug_is_found(plant: Callable[[], AbstractContextManager[None]]) -> None:
    with plant():
        assert any(_breaks_a_promise(seed) for seed in range(SEEDS)), "not found: the simulation is blind to it"


def _breaks_a_promise(seed: int) -> bool:
    try:
        World(seed).run()
    except Violation:
        return True
    return False
