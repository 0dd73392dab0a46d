"""The table of goals: what is reached, what is not and how far, and what was not measured."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from benchmarks import record
from docs import goals, peers
from docs.load import busy
from tests import figures
from tests.docs.test_peers_page import entry

OURS = {
    "load": 0.1,
    "ground": {"file_system": "ext4", "sync_ms": 0.2, "durability": "fsync"},
    "rows": [{"what": goals.HALL_ONLY, "hall_us": 16.25}],
    "end_to_end_jobs_per_s": 30_000.0,
    "hall_only_jobs_per_s": 61_000.0,
    "hall_only_bulk": {"enqueue_jobs_per_s": 210_000.0, "end_to_end_jobs_per_s": 90_000.0},
    "latency_ms": {"p50": 0.3, "p95": 0.5, "p99": 1.6},
    "latency_floor_ms": {"p50": 0.25, "p95": 0.4, "p99": 1.2},
    "idle": {"cpu_percent": 0.1, "rss_mib": 60.0},
    "backlog": None,
    "idle_workers": {"count": 10_000, "kib_each": None, "reach_ms": {"p50": 0.2, "p95": 0.3, "p99": 3.0}},
    "sustained": {"minutes": 5.0, "ratio": 0.99, "database_mib": [70.0, 80.0, 81.0], "wal_mib": [4.0, 4.0, 4.0]},
}


def keep(folder: Path, monkeypatch: pytest.MonkeyPatch, ours: Any = None, entries: Any = ()) -> None:
    """The figures in a folder of their own."""
    ground = {"command": "c", "date": "2026-01-31", "commit": "abc", "machine": "2 cores, Linux"}
    for module, name, kept in (
        (goals, "bench", ours),
        (peers, "peers", {"load": "0.3", "peers": entries} if entries else None),
    ):
        monkeypatch.setattr(module, "FIGURES", folder / f"{name}.json")
        if kept is not None:
            (folder / f"{name}.json").write_text(json.dumps({**ground, "figures": kept}))


def line(words: str) -> list[str]:
    """The cells of the goal that has these words."""
    found = [line for line in goals.section().splitlines() if words in line]
    assert len(found) == 1, words
    return [cell.strip() for cell in found[0].strip("|").split("|")]


def test_a_goal_that_is_reached_says_yes_and_another_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, monkeypatch, OURS)
    assert line("60,000 jobs/s")[1:] == ["end to end 61,000 jobs/s; the hall takes 16.2 us of CPU a job", "", "yes"]
    assert line("100 jobs a message")[3] == "**no**: end to end 90,000 jobs/s of 100,000 jobs/s"
    assert line("p50 0.4 ms")[3] == "**no**: p99 1.60 ms of 1.50 ms"
    assert line("p50 0.4 ms")[1].endswith("this machine without a hall: p50 0.25 ms; p99 1.20 ms")
    assert line("level off")[3] == "yes"
    assert line("Idle hall")[3] == "yes; the HTTP door is open, and nobody has asked for a page"


def test_files_that_still_grow_have_not_levelled_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    growing = {**OURS["sustained"], "database_mib": [70.0, 80.0, 100.0]}  # type: ignore[dict-item]
    keep(tmp_path, monkeypatch, {**OURS, "sustained": growing})
    assert line("level off")[3] == "**no**: files at the end of the last minute, of the one before: 1.24 of 1.10"


def test_what_was_left_out_is_said_not_to_be_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keep(tmp_path, monkeypatch, OURS)
    assert line("1,000,000 jobs wait")[3] == "not measured"
    assert "each not measured" in line("10,000 idle")[1]
    assert line("10,000 idle")[3] == "as far as it was measured"
    assert "PostgreSQL" in line("comes later, with the store")[0]


def test_without_any_figures_every_goal_stands_there_not_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(tmp_path, monkeypatch)
    assert "Ours was not measured yet" in goals.section()
    told = [row.split("|")[-2] for row in goals.section().splitlines() if row.startswith("| ")][1:]
    assert len(told) == len(goals.GOALS)
    assert all("not measured" in cell or "comes later" in cell for cell in told)


def test_ratios_to_peers_are_of_one_run_and_the_best_of_them_stand_beside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = [
        entry("Hirehall", 9_000),
        entry("Hirehall", 700, variant="worker too"),
        entry("Hirehall", 8_000, slow=True),
        entry("beanstalkd", 6_000, lost="everything", setting="memory"),
        entry("beanstalkd", 4_000),
        entry("beanstalkd", 1_000, slow=True),
        entry("RQ", 300, lost="everything"),
        entry("pgqueuer", 400, setting="PostgreSQL"),
    ]
    keep(tmp_path, monkeypatch, OURS, entries)
    _, measured, beside, reached = line("beanstalkd *without*")
    assert "in memory: 1.50; times beanstalkd with fsync: 2.25; the same with 2 ms more a sync: 8.00" in measured
    assert "in that run 9,000 jobs/s; by `hirehall bench` 30,000 jobs/s; times the best Python queue: 22.5" in measured
    assert beside.startswith("beanstalkd, memory: 6,000; beanstalkd, as it comes: 4,000")
    assert "best Python queue: pgqueuer, PostgreSQL: 400" in beside
    assert reached == "**no**: times beanstalkd with fsync: 2.25 of 3.00"


def test_a_run_beside_other_work_is_said_to_be_one() -> None:
    assert busy("2 cores, Linux", "0.9") == []
    assert "14.7 on 2 cores" in busy("2 cores, Linux", "14.7")[0]


def test_what_the_bench_has_measured_is_kept_and_what_has_failed_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(figures, "FIGURES", tmp_path)
    short = ["--quick", "--backlog", "0", "--idle-workers", "0"]
    assert record.main([*short, "--directory", str(tmp_path / "nowhere")]) != 0
    assert not list(tmp_path.iterdir())
    monkeypatch.setattr(subprocess, "run", bench)
    assert record.main(short) == 0
    kept = json.loads((tmp_path / "bench.json").read_text())
    assert kept["figures"]["hall_only_jobs_per_s"] == 5.0
    assert kept["figures"]["load"] >= 0


def bench(command: list[str], **_: Any) -> subprocess.CompletedProcess[str]:
    """A bench that has measured something; for git, a commit."""
    if "--json" in command:
        Path(command[command.index("--json") + 1]).write_text(json.dumps({"hall_only_jobs_per_s": 5.0}))
    return subprocess.CompletedProcess(command, 0, "abc", "")
