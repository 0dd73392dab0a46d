"""`submit`, `wait`, `show`, `jobs` and `cancel`: what they print, and what they tell a script."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from hirehall.wire.replies import JobView
from tests.cli.conftest import Cli

JOB_FIELDS = [*JobView.__struct_fields__]  # the answer is the hall's own view


def test_submit_prints_the_id_alone_so_that_a_script_can_take_it(hall_cli: Cli) -> None:
    said = hall_cli("submit", "double", "21")
    assert said.status == 0
    assert hall_cli("wait", said.out.strip()).status == 0


def test_submit_and_wait_prints_the_result_as_json(hall_cli: Cli) -> None:
    assert hall_cli("submit", "double", "21", "--wait") == (0, '{"twice":42}\n', "")


def test_a_job_that_failed_exits_with_one_and_its_reason_on_stderr(hall_cli: Cli) -> None:
    said = hall_cli("submit", "stumble", "--wait", "--max-attempts", "1")
    assert (said.status, said.out) == (1, "")
    assert "failed: ValueError: no such" in said.err


def test_nothing_that_a_worker_says_can_steer_the_terminal(hall_cli: Cli) -> None:
    said = hall_cli("submit", "stumble", "--wait", "--max-attempts", "1")
    assert "\x1b" not in said.err
    assert "\\x1b[31mcolour" in said.err
    assert "\x1b" not in hall_cli("jobs", "--kind", "stumble").out


def test_json_of_submit_has_its_fields(hall_cli: Cli) -> None:
    assert list(hall_cli("submit", "double", "1", "--json").json) == ["id", "state", "duplicate"]
    whole = hall_cli("submit", "double", "1", "--wait", "--json").json
    assert list(whole) == JOB_FIELDS
    assert (whole["state"], whole["result"]) == ("succeeded", {"twice": 2})


def test_the_same_key_gives_the_same_job_and_says_so(hall_cli: Cli) -> None:
    first = hall_cli("submit", "double", "3", "--key", "three", "--wait", "--json").json
    again = hall_cli("submit", "double", "3", "--key", "three")
    assert again.out.strip() == first["id"]
    assert "this key has a job already, which is succeeded" in again.err


def test_every_option_of_submit_reaches_the_job(hall_cli: Cli) -> None:
    options = ["--queue", "slow", "--priority", "7", "--delay", "3600", "--ttl", "7200", "--max-attempts", "2"]
    job = hall_cli("submit", "double", "1", *options, "--require", "gpu=1", "--require", "fast=true").out.strip()
    shown = hall_cli("show", job, "--json").json
    assert (shown["queue"], shown["priority"], shown["max_attempts"]) == ("slow", 7, 2)
    assert (shown["state"], shown["requires"]) == ("scheduled", {"gpu": 1, "fast": True})
    assert shown["run_at"] < shown["expires_at"]
    assert hall_cli("cancel", job).status == 0


def test_run_at_is_a_time(hall_cli: Cli) -> None:
    job = hall_cli("submit", "double", "1", "--run-at", "2099-01-01T00:00:00Z").out.strip()
    assert hall_cli("show", job, "--json").json["run_at"] == "2099-01-01T00:00:00.000Z"
    assert hall_cli("submit", "double", "1", "--run-at", "tomorrow").status == 2
    hall_cli("cancel", job)


def test_a_payload_comes_from_stdin_or_a_file(hall_cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[1,\r\n 2]\n")))
    assert hall_cli("submit", "double", "-", "--wait").out == '{"twice":[1,2,1,2]}\n'
    (tmp_path / "payload.json").write_text('"ab"')
    assert hall_cli("submit", "double", f"@{tmp_path}/payload.json", "--wait").out == '{"twice":"abab"}\n'


@pytest.mark.parametrize(
    ("payload", "shown"),
    [
        ('{"a": [1, 2}', '  {"a": [1, 2}\n             ^'),
        ("{'a': 1}", "  {'a': 1}\n   ^"),
        ("hello", "a text needs its quotes"),
        ("", "line 1, column 1"),
        ("[NaN]", "not JSON"),
        ('"\\ud800"', "not JSON"),
        ("@/no/such/file", "cannot read the payload from /no/such/file"),
    ],
)
def test_a_payload_that_is_not_json_is_shown_where_it_goes_wrong(cli: Cli, payload: str, shown: str) -> None:
    said = cli("submit", "double", payload)
    assert said.status == 2
    assert shown in said.err


def test_the_bad_place_of_a_long_payload_is_shown_not_all_of_it(cli: Cli) -> None:
    said = cli("submit", "double", '{"a": "' + "x" * 5000 + '" "b"}')
    assert len(said.err) < 500
    assert '" "b"}' in said.err


def test_labels_that_are_no_labels_are_refused(cli: Cli) -> None:
    assert cli("submit", "double", "--require", "gpu").status == 2
    assert cli("submit", "double", "--require", "gpu=1", "--require", "gpu=2").status == 2


def test_what_the_hall_does_not_accept_is_a_usage_error_in_its_words(hall_cli: Cli) -> None:
    said = hall_cli("submit", "double", "--queue", "no spaces")
    assert said.status == 2
    assert said.err == "hirehall: queue 'no spaces': use 1 to 64 of the letters A-Z a-z 0-9 _ -\n"


def test_without_a_hall_every_command_says_so_in_one_line(cli: Cli) -> None:
    for arguments in (["submit", "x"], ["wait", "1"], ["show", "1"], ["jobs"], ["cancel", "1"]):
        said = cli(*arguments)
        assert (said.status, said.out) == (3, "")
        assert said.err.startswith("hirehall: no hall found: start one with `hirehall serve`")
        assert said.err.count("\n") == 1


def test_a_wrong_token_or_address_says_so_in_one_line(hall_cli: Cli) -> None:
    wrong = hall_cli("jobs", "--url", "hall://127.0.0.1:1")
    assert (wrong.status, wrong.err.count("\n")) == (3, 1)
    assert hall_cli("jobs", "--url", "nonsense").status == 2


def test_wait_tells_by_its_status_whether_all_succeeded(hall_cli: Cli) -> None:
    good = hall_cli("submit", "double", "1").out.strip()
    bad = hall_cli("submit", "stumble", "--max-attempts", "1").out.strip()
    assert hall_cli("wait", good).status == 0
    said = hall_cli("wait", bad, good)
    assert said.status == 1
    assert [line.split()[1:3] for line in said.out.splitlines()] == [[bad, "failed:"], [good, "succeeded"]]
    answer = hall_cli("wait", bad, good, "--json").json
    assert [job["id"] for job in answer["jobs"]] == [bad, good]
    assert answer["pending"] == []


def test_a_wait_that_ran_out_of_time_has_a_status_of_its_own(hall_cli: Cli) -> None:
    job = hall_cli("submit", "dawdle").out.strip()
    said = hall_cli("wait", job, "--timeout", "0.1")
    assert (said.status, said.out) == (4, "")
    assert f"job {job} has not ended after 0.1 s" in said.err
    assert hall_cli("cancel", job).out == f"job {job} cancelled\n"
    assert hall_cli("wait", job).status == 1


def test_who_waits_for_a_kind_that_nobody_runs_is_told(hall_cli: Cli) -> None:
    job = hall_cli("submit", "nobody-runs-this").out.strip()
    said = hall_cli("wait", job, "--timeout", "1.5")
    assert f"no worker runs kind 'nobody-runs-this' from queue 'default' now; job {job} waits for one" in said.err
    hall_cli("cancel", job)


def test_cancel_answers_for_each_job(hall_cli: Cli) -> None:
    job = hall_cli("submit", "double", "--delay", "3600").out.strip()
    said = hall_cli("cancel", job, "0000000000000001", "--json")
    assert said.status == 3
    assert said.json["cancelled"] == [job]
    assert [refusal["code"] for refusal in said.json["refused"]] == ["not_found"]
    again = hall_cli("cancel", job)
    assert (again.status, again.out) == (3, "")
    assert "is cancelled" in again.err


def test_show_tells_everything_about_a_job(hall_cli: Cli) -> None:
    job = hall_cli("submit", "stumble", '{"colour": "red"}', "--max-attempts", "1", "--wait", "--json").json["id"]
    said = hall_cli("show", job)
    assert said.status == 0
    for word in (job, "stumble", "failed", "1 of 1", "ValueError", "tester", '"colour": "red"', "Traceback"):
        assert word in said.out
    assert list(hall_cli("show", job, "--json").json) == JOB_FIELDS


def test_show_of_no_job_says_where_to_look(hall_cli: Cli) -> None:
    said = hall_cli("show", "0000000000000001")
    assert (said.status, said.out) == (3, "")
    assert "hirehall jobs" in said.err


def test_jobs_lists_the_newest_first_and_filters(hall_cli: Cli) -> None:
    ids = [
        hall_cli("submit", "double", str(number), "--queue", "listed", "--delay", "999").out.strip()
        for number in range(3)
    ]
    listed = hall_cli("jobs", "--queue", "listed", "--state", "scheduled", "--json").json["jobs"]
    assert [job["id"] for job in listed] == ids[::-1]
    assert list(listed[0]) == [name for name in JOB_FIELDS if name not in {"payload", "result", "history", "files"}]
    assert len(hall_cli("jobs", "--queue", "listed", "--limit", "2", "--json").json["jobs"]) == 2
    assert hall_cli("jobs", "--queue", "nothing-here").out == "no jobs\n"
    hall_cli("cancel", *ids)


def test_a_table_for_a_pipe_has_no_colours_and_loses_nothing(hall_cli: Cli) -> None:
    kind = "k" * 120
    job = hall_cli("submit", kind, "--delay", "999").out.strip()
    line = next(line for line in hall_cli("jobs").out.splitlines() if job in line)
    assert kind in line
    assert "\x1b" not in line
    hall_cli("cancel", job)


def test_a_list_may_be_longer_than_a_page(hall_cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hirehall.cli.looking.PAGE", 2)
    ids = [hall_cli("submit", "double", "--queue", "paged", "--delay", "999").out.strip() for _ in range(5)]
    listed = hall_cli("jobs", "--queue", "paged", "--limit", "4", "--json").json["jobs"]
    assert [job["id"] for job in listed] == ids[:0:-1]
    hall_cli("cancel", *ids)
