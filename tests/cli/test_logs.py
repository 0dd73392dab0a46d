"""`logs`: what attempts printed, live, through retries, and never obeyed by the terminal."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.puppet import Puppet, a_job
from tests.worker.scripted_hall import Message

JOB = "0000000000000001"


def entry(text: str, stream: str = "stdout", at: str = "2026-01-31T12:00:00.000Z") -> dict[str, str]:
    return {"at": at, "stream": stream, "text": text}


def log(*entries: dict[str, str], attempt: int = 1, following: int = 10, ended: bool = True) -> dict[str, Any]:
    return {"log": {"id": JOB, "attempt": attempt, "entries": list(entries), "next": following, "ended": ended}}


@pytest.fixture
def logged(puppet: Puppet) -> Puppet:
    """A job that is over, and whose log has two parts."""
    puppet.answers["get"] = {"jobs": [a_job(1, state="succeeded", attempt=1)]}
    parts = {
        0: log(entry("reading a.png\n"), entry("40% page 4 of 10", "progress"), following=90),
        90: log(entry("\x1b[31mred\x1b[0m \x1b[2Jwiped", "stderr"), following=120),
        120: log(following=120),
    }
    puppet.answers["log_of"] = lambda said: parts[said["offset"]]
    return puppet


def test_a_log_is_printed_whole_with_its_streams(logged: Puppet, cli: Cli) -> None:
    said = cli("logs", JOB)
    assert (said.status, said.err) == (0, "")
    assert said.out.splitlines() == ["reading a.png", "» 40% page 4 of 10", "\\x1b[31mred\\x1b[0m \\x1b[2Jwiped"]


def test_colours_come_through_when_asked_for_and_nothing_else(logged: Puppet, cli: Cli, monkeypatch: Any) -> None:
    monkeypatch.setattr("click.utils.should_strip_ansi", lambda *_args: False)
    assert cli("logs", JOB, "--ansi").out.splitlines()[2] == "\x1b[31m\x1b[31mred\x1b[0m \\x1b[2Jwiped\x1b[0m\x1b[0m"


def test_a_log_in_json_is_one_line_for_each_entry(logged: Puppet, cli: Cli) -> None:
    lines = [json.loads(line) for line in cli("logs", JOB, "--json").out.splitlines()]
    assert [list(line) for line in lines] == [["attempt", "at", "stream", "text"]] * 3
    assert lines[0] == {"attempt": 1, **entry("reading a.png\n")}


def test_since_leaves_out_what_is_older(puppet: Puppet, cli: Cli) -> None:
    puppet.answers["get"] = {"jobs": [a_job(1, state="running", attempt=1)]}
    puppet.answers["log_of"] = lambda said: (
        log(entry("old"), entry("new", at="2026-01-31T13:00:00Z")) if not said["offset"] else log()
    )
    assert cli("logs", JOB, "--since", "2026-01-31T12:30:00Z").out == "new\n"


def test_one_attempt_may_be_named(logged: Puppet, cli: Cli) -> None:
    logged.answers["get"] = {"jobs": [a_job(1, state="succeeded", attempt=3)]}
    cli("logs", JOB, "--attempt", "2")
    assert logged.asked("log_of")[0]["attempt"] == 2


def test_an_attempt_that_never_was_is_an_error(logged: Puppet, cli: Cli) -> None:
    said = cli("logs", JOB, "--attempt", "9")
    assert (said.status, said.out) == (3, "")
    assert f"job {JOB} has no attempt 9: it has had 1" in said.err


def test_every_line_of_an_entry_has_its_mark_and_none_is_added(puppet: Puppet, cli: Cli) -> None:
    puppet.answers["get"] = {"jobs": [a_job(1, state="running", attempt=1)]}
    entries = entry("one\ntwo\n"), entry("page 4\nof 10", "progress"), entry("\n"), entry("three")
    puppet.answers["log_of"] = lambda said: log() if said["offset"] else log(*entries)
    assert cli("logs", JOB).out == "one\ntwo\n» page 4\n» of 10\n\nthree\n"


GAP = "hirehall: lines were left out here: a log keeps its first and last half MiB\n"


def test_a_log_without_its_middle_says_so_where_that_is(puppet: Puppet, cli: Cli, monkeypatch: Any) -> None:
    """Each entry takes 100 bytes; the hall kept the first 200 and what begins at 900."""
    monkeypatch.setattr("hirehall.cli.logs.KEPT_BYTES", 150)
    monkeypatch.setattr("hirehall.cli.logs.note", lambda text: print(f"hirehall: {text}"))
    puppet.answers["get"] = {"jobs": [a_job(1, state="succeeded", attempt=1)]}
    size = len(json.dumps(entry(""), separators=(",", ":"))) + 1
    entries = [entry(letter * (100 - size)) for letter in "abc"]
    parts = {0: log(*entries, following=1000), 1000: log(entries[0], following=1100), 1100: log(following=1100)}
    puppet.answers["log_of"] = lambda said: parts[said["offset"]]
    texts = [one["text"] + "\n" for one in entries]
    assert cli("logs", JOB).out == texts[0] + texts[1] + GAP + texts[2] + texts[0]


def test_a_part_behind_the_missing_lines_says_so_first(puppet: Puppet, cli: Cli) -> None:
    puppet.answers["get"] = {"jobs": [a_job(1, state="succeeded", attempt=1)]}
    puppet.answers["log_of"] = lambda said: log(*([] if said["offset"] else [entry("the end")]), following=9000)
    said = cli("logs", JOB)
    assert (said.out, said.err) == ("the end\n", GAP)


def test_a_job_that_has_not_begun_says_so(puppet: Puppet, cli: Cli) -> None:
    puppet.answers["get"] = {"jobs": [a_job(1)]}
    said = cli("logs", JOB)
    assert (said.status, said.out) == (0, "")
    assert f"job {JOB} is ready and has logged nothing yet; -f waits for it" in said.err


def test_following_goes_on_through_retries_and_ends_with_the_jobs_status(puppet: Puppet, cli: Cli) -> None:
    """The first attempt fails while it is followed; an event says that the second has begun, and it succeeds."""
    jobs = iter(
        [
            a_job(1, state="running", attempt=1),
            a_job(1, state="scheduled", attempt=1),
            a_job(1, state="running", attempt=2),
            a_job(1, state="succeeded", attempt=2),
        ]
    )
    puppet.answers["get"] = lambda _said: {"jobs": [next(jobs)]}
    puppet.answers["watch"] = {"seq": "r-0"}
    puppet.pushes["watch"] = [{"event": "deliver", "seq": "r-1", "at": "", "id": JOB, "attempt": 2}]

    def answer(said: Message) -> dict[str, Any]:
        assert said["follow"]
        return log(entry(f"attempt {said['attempt']}"), attempt=said["attempt"])

    puppet.answers["log_of"] = answer
    said = cli("logs", JOB, "-f")
    assert (said.status, said.out.splitlines()) == (0, ["attempt 1", "attempt 2"])
    assert f"attempt 1 is over; job {JOB} is scheduled, waiting for the next" in said.err


def test_following_a_job_that_fails_exits_with_one_and_the_reason(puppet: Puppet, cli: Cli) -> None:
    error = {"type": "ValueError", "message": "no such colour"}
    puppet.answers["get"] = {"jobs": [a_job(1, state="failed", attempt=1, error=error)]}
    puppet.answers["watch"] = {"seq": "r-0"}
    puppet.answers["log_of"] = log(entry("about to stumble"))
    said = cli("logs", JOB, "-f")
    assert (said.status, said.out) == (1, "about to stumble\n")
    assert "failed: ValueError: no such colour" in said.err


def test_a_planned_end_of_the_hall_is_no_end_of_the_job(puppet: Puppet, cli: Cli) -> None:
    puppet.answers["get"] = {"jobs": [a_job(1, state="running", attempt=1)]}
    puppet.answers["watch"] = {"seq": "r-0"}
    puppet.answers["log_of"] = log(entry("so far"), ended=False)
    puppet.pushes["log_of"] = [{"stop": {"id": "", "attempt": 0, "why": "shutdown"}}]
    said = cli("logs", JOB, "-f")
    assert (said.status, said.out) == (4, "so far\n")
    assert f"the hall was shut down; the job goes on when it is started again: hirehall logs {JOB} -f" in said.err
