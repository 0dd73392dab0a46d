"""What a proof has measured is kept only where the page finds it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from docs.reliability import SUITES
from tests import figures

HERE = Path(__file__)
SOURCES = [path for folder in ("tests", "benchmarks") for path in (figures.ROOT / folder).rglob("*.py")]
RECORDED = re.compile(r'\b(?:record|keep_figures)\(\s*"([\w-]+)"')


def test_every_row_of_the_page_is_recorded_by_some_proof_and_nothing_else_is() -> None:
    assert {name for path in SOURCES if path != HERE for name in RECORDED.findall(path.read_text())} == SUITES.keys()


def test_what_has_no_row_on_the_page_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FIGURES", tmp_path)
    with pytest.raises(ValueError, match="'power_cuts'"):
        figures.record("power_cuts", {})
    assert not list(tmp_path.iterdir())


def test_the_command_is_kept_as_it_was_typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figures, "FIGURES", tmp_path)
    typed = ["/usr/bin/python3", "-m", "tests.partitions", "--lease", "4"]
    monkeypatch.setattr("sys.orig_argv", typed)
    kept = json.loads(figures.record("partitions", {"cases": 32}).read_text())
    assert (kept["command"], kept["figures"]) == ("python -m tests.partitions --lease 4", {"cases": 32})
