"""A real hall among peers that are too many, too slow or too much: the same as `python -m tests.abuse`, smaller."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.abuse import bad, load
from tests.system.hall_process import Hall
from tests.system.lines import Line, dial

pytestmark = pytest.mark.slow


def test_lines_that_never_end_disturb_nobody() -> None:
    figures = bad.slowloris(count=60, seconds=2)
    assert figures["slowloris sent away"] == 0, "nobody is sent away before it is time"


def test_beyond_its_places_a_hall_says_busy_to_everybody_and_goes_on_working() -> None:
    figures = bad.flood(count=900, places=300, processes=1)
    assert figures["flood busy"] == 603


def test_long_lines_cost_bounded_memory_and_nothing_behind_them_runs() -> None:
    bad.long_lines(count=3, megabytes=100)


def test_who_does_not_read_costs_bounded_memory_and_others_are_heard() -> None:
    bad.slow_readers(count=25, asks=20, seconds=2)


def test_a_submit_among_many_idle_workers_wakes_one() -> None:
    figures = load.idle_workers(count=500, processes=1, submits=50, beats=200, seconds=2)
    assert float(figures["idle KiB each"]) <= 40


def test_all_workers_come_back_to_a_killed_hall_with_what_they_hold() -> None:
    figures = load.reconnect_storm(count=300, processes=1)
    assert figures["storm jobs run again"] == 0


def test_what_overloaded_halls_accept_is_stored() -> None:
    load.overload(producers=4, seconds=8, times=5)


def test_a_hall_keeps_descriptors_for_itself_where_few_may_be_open(tmp_path: Path) -> None:
    few = 164  # less 64 that are kept back
    hall = Hall(tmp_path)
    command = hall.command
    hall.command = lambda: ["prlimit", f"--nofile={few}:{few}", *command()]  # type: ignore[method-assign]
    lines: list[Line] = []
    try:
        hall.start()
        lines = [hall.session() for _ in range(few - 64)]
        late = Line(dial(hall.access["url"]))
        lines.append(late)
        assert late.read()["error"]["code"] == "busy"
        assert lines[0].ok("submit", kind="saw")["id"]
        assert "room for 100 connections, not 10000" in hall.log.read_text()
        assert hall.stop() == 0
    finally:
        for line in lines:
            line.close()
        hall.close()
