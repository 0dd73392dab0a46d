"""What was accepted once without a word, though it could not be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from hirehall.errors import Forbidden
from tests.cli.conftest import Cli
from tests.cli.program import Shell
from tests.cli.puppet import Puppet, a_job
from tests.cli.terminal import Terminal

JOB = f"{1:016x}"


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("jobs --state ready --state failed", "--state is given 2 times: it takes one value"),
        ("submit x --queue a --priority 1 --queue b", "--queue is given 2 times"),
        ("token create ci --role read --ttl 1h --ttl 2h", "--ttl is given 2 times"),
        ("submit x --ttl 0", "'0' leaves no time: give more than 0"),
        ("submit x --timeout 0s", "'0s' leaves no time"),
        ("token create ci --role read --ttl 0", "'0' leaves no time"),
        ("change last --set ttl=0", "--set ttl: '0' leaves no time"),
        ("submit x --backoff exponential:5s:1s", "begins with 5s and may not pass 1s"),
        ("submit x --run-at 90", "'90' is no time: write now, 2026-01-31"),
        ("jobs --since 1m --until 3m", "--since is later than --until"),
        ("jobs --ca ca.pem --url hall://127.0.0.1:1", "nothing is signed at hall://127.0.0.1:1: write hall+tls://"),
        ("pause fine two~words", "queue 'two~words': use 1 to 64 of the letters"),
    ],
)
def test_it_is_a_usage_error_that_says_why(puppet: Puppet, cli: Cli, line: str, shown: str) -> None:
    said = cli(*line.split())
    assert (said.status, said.out) == (2, "")
    assert shown in said.err
    assert {heard["cmd"] for heard in puppet.heard} <= {"bye"}


@pytest.mark.parametrize("name", ["NUL", "a:b", "e\u0301", "\udcff"], ids=ascii)
def test_a_file_whose_name_none_may_have_is_not_sent(puppet: Puppet, cli: Cli, tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    said = cli("submit", "x", "--file", str(tmp_path / name))
    assert said.status == 2
    assert "file name" in said.err


def test_options_that_may_come_again_do(puppet: Puppet, cli: Cli) -> None:
    puppet.answers["submit"] = {"id": JOB, "state": "ready"}
    assert cli("submit", "x", "--tag", "a", "--tag", "b", "--json", "--json").status == 0
    assert puppet.asked("submit")[0]["tags"] == ["a", "b"]


@pytest.mark.parametrize(("word", "said"), [("now", None), ("1795327068", 1795327068), ("1795327068.5", 1795327068.5)])
def test_a_job_may_run_now_or_at_a_second_since_1970(puppet: Puppet, cli: Cli, word: str, said: float | None) -> None:
    puppet.answers["submit"] = {"id": JOB, "state": "ready"}
    assert cli("submit", "x", "--run-at", word).status == 0
    assert puppet.asked("submit")[0].get("run_at") == said


@pytest.mark.parametrize(
    ("word", "field", "value"),
    [
        ("run_at", "run_at", None),
        ("delay", "run_at", None),
        ("ttl", "expires_at", None),
        ("expires_at", "expires_at", None),
        ("timeout", "timeout_seconds", None),
        ("priority", "priority", 0),
        ("tags", "tags", []),
    ],
)
def test_none_takes_away_what_can_be_without(puppet: Puppet, cli: Cli, word: str, field: str, value: object) -> None:
    assert cli("change", JOB, "--set", f"{word}=none").status == 0
    assert puppet.asked("change")[0]["set"] == {field: value}


def test_what_cannot_be_without_says_what_it_takes(cli: Cli) -> None:
    said = cli("change", JOB, "--set", "keep=none")
    assert said.status == 2
    assert "--set keep: 'none' is no duration: write seconds, or for example" in said.err
    assert "is no whole number (or none)" in cli("change", JOB, "--set", "priority=high").err


@pytest.mark.parametrize("word", ["last", "00000000"])
def test_a_token_that_may_not_look_is_told_to_name_whole_ids(puppet: Puppet, cli: Cli, word: str) -> None:
    no = {"error": {"code": Forbidden.code, "message": "this needs the role read"}}
    puppet.answers["find"] = no
    said = cli("cancel", word)
    assert said.status == 3
    assert "with this token name the whole id: it may not look at other jobs" in said.err


@pytest.mark.parametrize("line", ["hirehall --help", "hirehall jobs", "hirehall jobs --json"])
def test_an_output_that_cannot_be_written_is_one_line(puppet: Puppet, shell: Shell, line: str) -> None:
    puppet.answers["find"] = {"jobs": [a_job(1)]}
    shell.env["HIREHALL_URL"] = puppet.url
    status, said = shell.run(f"{line} > /dev/full")
    assert (status, said) == (74, "hirehall: cannot write the output: No space left on device\n")


@pytest.mark.parametrize("line", ["hirehall --no-color jobs", "env NO_COLOR=1 hirehall jobs"])
def test_without_colours_nothing_is_bold_either(puppet: Puppet, shell: Shell, line: str) -> None:
    puppet.answers["find"] = {"jobs": [a_job(1, state="failed")]}
    with Terminal(line, shell.cwd, {**shell.env, "HIREHALL_URL": puppet.url}) as terminal:
        assert terminal.ends() == 0
    assert JOB.encode() in terminal.raw
    assert b"\x1b" not in terminal.raw


def test_a_removal_that_removes_nothing_is_no_success(puppet: Puppet, cli: Cli) -> None:
    task = {"id": "1", "action": "remove", "state": "done", "looked": 12, "done": 0, "refused": 0}
    puppet.answers |= {"remove": {"task": {**task, "state": "running"}}, "task": {"task": task}}
    said = cli("remove", "--queue", "images", "--yes")
    assert (said.status, said.out) == (3, "0 jobs removed\n")
    assert said.err == "hirehall: none of the 12 jobs found has ended: cancel them first\n"
