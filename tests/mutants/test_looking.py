"""The looking itself can fail: a mutant that does nothing survives it, and who always finds fault is not believed."""

from __future__ import annotations

import subprocess
import sys
import time
from types import SimpleNamespace
from typing import Any

import pytest

from tests.mutants import _plugin, about
from tests.mutants._catching import ROOT, SEEDED, Blind, caught_by_seed, look_for

NOTHING = about("_nothing")
A_TEST = NOTHING.catchers[-1]


@pytest.mark.slow
def test_a_mutant_that_does_nothing_survives_everybody() -> None:
    assert list(look_for([NOTHING], 2)) == [(NOTHING, None)]


@pytest.mark.slow
def test_the_table_fails_when_a_mutant_survives() -> None:
    names = ("_nothing", "chunk_with_a_bad_line_runs_twice")
    command = [sys.executable, "-m", "tests.mutants", "--table", *names, "--seeds", "2"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    survived, seen, summary = run.stdout.splitlines()
    assert run.returncode == 1, run.stderr
    assert survived.split() == ["_nothing", "SURVIVED"]
    assert seen.startswith(f"{names[1]} ")
    assert "fuzzer, seed " in seen
    assert summary.startswith("2 mutants, 1 caught, ")


def test_a_case_that_fails_without_the_mutant_too_has_seen_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SEEDED, "always", lambda mutant, seed: "something is wrong")
    with pytest.raises(Blind, match="fails without _nothing too"):
        caught_by_seed("_nothing", "always", range(3))


def test_a_case_without_end_is_ended_and_counts_as_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(mutant: str, seed: int) -> str:
        while mutant:
            time.sleep(0.01)
        return ""

    monkeypatch.setattr("tests.mutants._catching.CASE_SECONDS", 1)
    monkeypatch.setitem(SEEDED, "endless", endless)
    found = caught_by_seed("_nothing", "endless", range(1))
    assert found
    assert found.said == "TooLong: no end after 1 s"


def test_a_test_that_there_is_not_has_seen_nothing() -> None:
    assert _plugin.Judge([]).verdict("_nothing", A_TEST) == ("blind", 0.0, f"there is no test {A_TEST}")


def test_a_test_that_fails_without_the_mutant_too_has_seen_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_plugin, "failure", lambda item: "assert False")
    always: Any = SimpleNamespace(nodeid=f"{A_TEST}[a]")
    verdict, _, said = _plugin.Judge([always]).verdict("_nothing", A_TEST)
    assert verdict == "blind"
    assert said == f"{A_TEST}[a] fails without _nothing too: assert False"


@pytest.mark.slow
def test_a_hall_with_a_mutant_in_it_is_started_by_name() -> None:
    command = [sys.executable, "-m", "tests.mutants", "no_sync", "--version"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("hirehall")
