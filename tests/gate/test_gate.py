"""The gate lets the hall through as it is, and names the path that has become slow, and no other."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.gate import floors, judge
from benchmarks.gate.floors import Floor
from benchmarks.gate.loop import BATCHES, loop_in
from benchmarks.gate.measure import Effort, Measured
from benchmarks.gate.messages import WAVE
from benchmarks.gate.paths import PATHS

EFFORT = Effort(slices=12)
POLLS = ("status-get", "status-counts")


def found(ratio: float) -> Measured:
    return Measured(ratio, hall_us=20.0, loop_us=4.0, slices=9)


@pytest.mark.slow
def test_a_command_that_has_become_slow_is_noticed_on_its_path_only() -> None:
    as_it_is = judge.judge(dict.fromkeys(POLLS, floors.NONE), lambda verdict: None, EFFORT)
    table = {verdict.name: verdict.floor.set(verdict.found.ratio) for verdict in as_it_is}
    slower = str(round(as_it_is[1].found.hall_us / 2))
    verdicts = judge.judge(table, lambda verdict: None, EFFORT, ("tests.gate.slowed", "counts", slower))
    assert [verdict.name for verdict in verdicts if verdict.is_low] == ["status-counts"], verdicts
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


def test_time_that_is_left_is_shared_by_those_that_are_looked_at_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([10.0, 40.0, 40.0])
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert list(judge.shares(["submit", "deliver", "complete"], 70.0)) == [
        ("submit", 20.0), ("deliver", 15.0), ("complete", 30.0)
    ]  # fmt: skip


def test_every_path_has_a_floor_and_every_floor_a_path() -> None:
    assert list(floors.read()) == list(PATHS)


def test_a_floor_set_anew_keeps_its_fraction_and_the_reason(tmp_path: Path) -> None:
    table = {"submit": Floor(0.2, 0.174), "deliver": Floor(0.4, 0.3, 0.75, 'it "varies"')}
    path = tmp_path / "floors.toml"
    floors.write({name: floor.set(0.1) for name, floor in table.items()}, path)
    assert floors.read(path) == {"submit": Floor(0.1, 0.087), "deliver": Floor(0.1, 0.075, 0.75, 'it "varies"')}


def test_the_loop_keeps_every_job_of_its_slices(tmp_path: Path) -> None:
    with loop_in(tmp_path) as loop:
        assert loop.run() > 0
        loop.run()
        kept = loop._db.execute("SELECT count(*), min(length(payload)) FROM jobs").get
    assert kept == (2 * BATCHES * WAVE, 100)
