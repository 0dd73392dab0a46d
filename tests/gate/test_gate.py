"""The gate lets the hall through as it is, and names the path that has become slow, and no other."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from benchmarks.gate import __main__ as gate
from benchmarks.gate import floors, judge
from benchmarks.gate.floors import Floor
from benchmarks.gate.loop import ALONE, WAVES, Batches, loop_in
from benchmarks.gate.measure import Effort, Measured
from benchmarks.gate.paths import PATHS
from benchmarks.gate.report import advice, said

EFFORT = Effort(slices=12)


def found(ratio: float) -> Measured:
    return Measured(ratio, hall_us=20.0, loop_us=4.0, slices=9)


@pytest.mark.slow
@pytest.mark.parametrize(("command", "with_it", "without"), [
    ("counts", "status-counts", "status-get"), ("submit", "submit", "deliver")
])  # fmt: skip
def test_a_command_that_has_become_slow_is_noticed_on_its_path_only(command: str, with_it: str, without: str) -> None:
    as_it_is = judge.judge(dict.fromkeys((with_it, without), floors.NONE), lambda verdict: None, EFFORT)
    table = {verdict.name: verdict.floor.set(verdict.found.ratio) for verdict in as_it_is}
    slower = str(round(as_it_is[0].found.hall_us))
    verdicts = judge.judge(table, lambda verdict: None, EFFORT, ("tests.gate.slowed", command, slower))
    assert [verdict.name for verdict in verdicts if verdict.is_low] == [with_it], verdicts
    again = judge.judge(table, lambda verdict: None, EFFORT)
    assert not [verdict.complaint() for verdict in again if verdict.is_low]


def test_a_path_below_its_floor_is_looked_at_for_longer_before_that_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[Effort] = []
    ratios = iter([0.30, 0.10, 0.12])

    def measure(kind: object, effort: Effort, program: object) -> Measured:
        looks.append(effort)
        return found(next(ratios))

    monkeypatch.setattr(judge, "measure", measure)
    table = {"deliver": Floor(0.3, 0.2), "submit": Floor(0.13, 0.11)}
    told: list[judge.Verdict] = []
    verdicts = judge.judge(table, told.append, EFFORT)
    assert [verdict.is_low for verdict in told] == [False, True, False]
    assert verdicts == [told[0], told[2]]
    assert looks[2].slices > looks[1].slices


def test_a_complaint_says_what_is_slow_by_how_much_and_where_to_look(monkeypatch: pytest.MonkeyPatch) -> None:
    verdict = judge.Verdict("submit", found(0.10), Floor(0.125, 0.109))
    for part in ("submit is too slow", "0.1 of", "floor is 0.109", "25% more", "ONLY=submit PROFILE=submit.prof"):
        assert part in verdict.complaint()


def test_a_ratio_far_above_the_last_asks_for_new_floors_and_does_not_fail() -> None:
    higher, as_it_was, noisy, anew = (
        judge.Verdict(name, found(0.20), floor)
        for name, floor in (
            ("submit", Floor(0.15, 0.13)),
            ("deliver", Floor(0.18, 0.16)),
            ("beats", Floor(0.15, 0.1, 0.7)),
            ("complete", floors.NONE),
        )
    )
    assert said(higher).endswith("far above the last")
    assert not higher.is_low
    assert "far" not in said(as_it_was) + said(noisy) + said(anew)
    told = advice([higher, as_it_was, noisy, anew])
    assert [name in told for name in ("submit", "deliver", "beats", "complete")] == [True, False, False, False]
    assert told.endswith("make bench-check FLOORS=--set-floors")
    assert advice([as_it_was, noisy, anew]) == ""


def test_floors_are_set_and_shown_in_one_go(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the page shows beside each ratio is the floor that was just set."""
    kept: dict[str, Mapping[str, Any]] = {}
    before, written = floors.read(), dict[str, Floor]()
    monkeypatch.setattr(sys, "argv", ["gate", "--set-floors", "--record"])
    monkeypatch.setattr(judge, "measure", lambda *_: found(0.5))
    monkeypatch.setattr(gate, "keep", lambda name, figures: kept.update({name: figures}))
    monkeypatch.setattr(floors, "write", written.update)
    assert gate.main() == 0
    assert written == {name: floor.set(0.5) for name, floor in before.items()}
    shown = {name: found["floor"] for name, found in kept["bench-check"].items()}
    assert shown == pytest.approx({name: floor.floor for name, floor in written.items()}, rel=0.01)


def test_time_that_is_left_is_shared_by_those_that_are_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 40.0, 40.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert list(judge.shares(["submit", "deliver", "complete"], 70.0)) == [
        ("submit", 20.0), ("deliver", 15.0), ("complete", 30.0)
    ]  # fmt: skip


def test_every_path_has_a_floor_and_every_floor_a_path() -> None:
    assert list(floors.read()) == list(PATHS)


def test_a_floor_set_anew_keeps_its_fraction_and_the_reason(tmp_path: Path) -> None:
    table = {"submit": Floor(0.2, 0.16), "deliver": Floor(0.4, 0.3, 0.75, 'it "varies"')}
    path = tmp_path / "floors.toml"
    floors.write({name: floor.set(0.1) for name, floor in table.items()}, path)
    assert floors.read(path) == {"submit": Floor(0.1, 0.08), "deliver": Floor(0.1, 0.075, 0.75, 'it "varies"')}


@pytest.mark.parametrize("batches", [WAVES, ALONE])
def test_the_loop_keeps_every_job_of_its_slices(tmp_path: Path, batches: Batches) -> None:
    with loop_in(tmp_path, batches) as loop:
        assert loop.run() > 0
        loop.run()
        kept = loop._db.execute("SELECT count(*), min(length(payload)) FROM jobs").get
    assert kept == (2 * batches.count * batches.size, 100)
