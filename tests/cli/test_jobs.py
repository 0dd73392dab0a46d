"""`jobs`: pages, and searches that run out of time."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.puppet import Puppet, a_job, finds
from tests.worker.scripted_hall import Message


def test_a_long_list_is_asked_for_in_pages(puppet: Puppet, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hirehall.cli.looking.PAGE", 10)
    puppet.answers["find"] = finds([a_job(number) for number in range(50, 0, -1)])
    listed = cli("jobs", "--limit", "25", "--json").json
    assert [job["id"] for job in listed["jobs"]] == [f"{number:016x}" for number in range(50, 25, -1)]
    assert listed["next"] == f"{26:016x}"
    assert [said["limit"] for said in puppet.asked("find")] == [10, 10, 5]


def test_a_search_that_finds_little_is_continued_for_a_while_then_says_how_to_go_on(
    puppet: Puppet, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter(range(100, 0, -1))

    def find(said: Message) -> dict[str, Any]:
        if len(puppet.heard) == 3:
            monkeypatch.setattr("hirehall.cli.looking.time.monotonic", lambda: float("inf"))
        return {"jobs": [a_job(7)] if len(puppet.heard) == 2 else [], "next": f"{next(looks):016x}",
                "looked_back_to": "2026-01-30T00:00:00Z"}  # fmt: skip

    puppet.answers["find"] = find
    said = cli("jobs", "--tag", "two words", "--state", "ready")
    assert said.out.splitlines()[1].split()[0] == f"{7:016x}"
    assert said.err == (
        "hirehall: looked back to 2026-01-30T00:00:00Z so far; go on with: "
        f"hirehall jobs --state ready --tag 'two words' --before {98:016x}\n"
    )


def test_a_page_begins_where_it_is_told_to(puppet: Puppet, cli: Cli) -> None:
    puppet.answers["find"] = finds([a_job(number) for number in (3, 2, 1)])
    cli("jobs", "--before", f"{3:016x}")
    assert puppet.asked("find")[0]["before"] == f"{3:016x}"
    assert cli("jobs", "--before", f"{1:016x}").out == "no jobs\n"


def test_a_state_that_does_not_exist_is_met_with_those_that_do(cli: Cli) -> None:
    said = cli("jobs", "--state", "done")
    assert said.status == 2
    assert "succeeded" in said.err


def test_json_leaves_out_what_a_page_does_not_carry_and_dates_what_it_does(puppet: Puppet, cli: Cli) -> None:
    progress = {"percent": 40, "text": "", "at_ms": 1_769_860_800_123}
    puppet.answers["find"] = {"jobs": [a_job(1, payload=None, result=None, history=None, progress=progress)]}
    (job,) = cli("jobs", "--json").json["jobs"]
    assert not {"payload", "result", "history"} & job.keys()
    assert job["progress"] == {**progress, "at": "2026-01-31T12:00:00.123Z"}
    past = {"attempt": 1, "how": "fail", "at_ms": 1_769_860_800_000, "worker": "w1"}
    puppet.answers["get"] = {"jobs": [a_job(1, payload={"file": "a"}, history=[past])]}
    shown = cli("show", f"{1:016x}", "--json").json
    assert shown["payload"] == {"file": "a"}
    assert shown["history"] == [{**past, "at": "2026-01-31T12:00:00.000Z"}]
    assert "failed on w1" in cli("show", f"{1:016x}").out
