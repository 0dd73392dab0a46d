"""Everybody is killed, frozen and stopped under load, and the audit finds nothing. `make chaos` does more of it."""

from __future__ import annotations

import pytest

from tests.chaos.cast import NODE, SORTS
from tests.chaos.plan import KILLS, WEIGHTS, draw, halls_only
from tests.chaos.run import Chaos, Size, rounds_of

IN_CI = Size(jobs=20_000, kills=44, seconds=0.0, seed=8, rate=600.0, freeze=6.0, long_ms=2000)


@pytest.fixture(scope="module")
def chaos(tmp_path_factory: pytest.TempPathFactory) -> Chaos:
    """One run, which all tests of this file look at."""
    chaos = Chaos(tmp_path_factory.mktemp("chaos"), IN_CI, print)
    chaos.run()
    for name, value in chaos.figures.items():
        print(f"{value:>12}  {name}")
    return chaos


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_made_up_whoever_is_killed_or_frozen(chaos: Chaos) -> None:
    assert {fault: 0 for findings in chaos.findings for fault in findings.found} == {}
    assert chaos.figures["jobs"] >= IN_CI.jobs
    assert chaos.tally.kills >= 40


@pytest.mark.slow
def test_no_live_workers_job_runs_again_when_only_halls_are_killed(chaos: Chaos) -> None:
    assert chaos.calm is not None
    assert chaos.calm.jobs == IN_CI.jobs // 10
    assert chaos.reruns == 0, chaos.calm.extra_starts


@pytest.mark.slow
def test_everything_happened_and_everybody_worked(chaos: Chaos) -> None:
    assert chaos.tally.faults.keys() >= WEIGHTS.keys()
    missing = {sort for sort in SORTS if not chaos.done_by[sort]}
    assert missing <= {"node"}
    assert chaos.told > 5_000


@pytest.mark.slow
def test_a_node_worker_took_part(chaos: Chaos) -> None:
    if NODE is None:
        pytest.skip("there is no node in the PATH: install Node 18 or newer (Debian, Ubuntu: apt install nodejs)")
    assert chaos.done_by["node"] > 0


def test_a_plan_is_the_same_for_the_same_seed_and_has_everything_in_it() -> None:
    plan = draw(3, 40, 6.0)
    assert plan == draw(3, 40, 6.0) != draw(4, 40, 6.0)
    assert {fault.what for fault in plan} == WEIGHTS.keys()
    assert sum(KILLS.get(fault.what, (0, 0))[0] for fault in plan) >= 40
    assert [fault.share for fault in plan] == sorted(fault.share for fault in plan)
    assert {fault.what for fault in halls_only(3, 5)} == {"kill hall"}


def test_rounds_are_no_larger_than_an_audit_and_make_up_the_whole() -> None:
    assert rounds_of(20_000) == [20_000]
    assert (sum(rounds_of(1_000_001)), max(rounds_of(1_000_001))) == (1_000_001, 24_391)
