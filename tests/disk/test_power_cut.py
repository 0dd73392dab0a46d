"""A hall's life, cut short anywhere: every image opens, and holds what was answered and nothing that nobody asked for.

2,000 images; `make power-cuts` does the same for a night. Each control has one sync less and must fail.
"""

from __future__ import annotations

import pytest

from tests.disk.power import LONG, SHORT, Record, cuts, record, sweep
from tests.disk.rounds import keep

pytestmark = pytest.mark.slow

IMAGES = 2_000
OFTEN = 2  # must have happened in a long life, or it shows too little
CONTROL_IMAGES = 300


@pytest.fixture(scope="module")
def short_life() -> Record:
    return record(SHORT, seed=1)


def assert_all_are_whole(found: Record, images: int) -> None:
    complaints = [keep(found, failure.cut, failure.why) for failure in sweep(found, cuts(found, images, seed=1))]
    assert not complaints, complaints[0]
    assert found.counts["images"] == images


def test_the_power_may_be_cut_after_any_call_of_a_short_life(short_life: Record) -> None:
    assert_all_are_whole(short_life, len(short_life.events) + 1)


def test_the_power_may_be_cut_anywhere_in_a_long_life(short_life: Record) -> None:
    long_life = record(LONG, seed=1)
    for rare in ("log carried over", "log begun anew", "log removed"):
        assert long_life.counts[rare] >= OFTEN, rare
    assert_all_are_whole(long_life, IMAGES - len(short_life.events) - 1)


@pytest.mark.parametrize(
    ("mutant", "shows"),
    [
        ("no_sync", "was answered and is lost"),
        ("no_directory_sync", "was answered and is lost"),
        ("torn_access_file", "a hall does not start"),
    ],
)
def test_a_hall_with_one_sync_less_breaks_its_promises(mutant: str, shows: str) -> None:
    found = record(SHORT, seed=1, mutant=mutant)
    failures = sweep(found, cuts(found, CONTROL_IMAGES, seed=1), stop_at=CONTROL_IMAGES)
    assert any(shows in failure.why for failure in failures)
