"""`cancel`, `retry`, `change` and `remove` for all jobs that fit: asked first, done by the hall, stopped by Ctrl-C."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.program import Shell
from tests.cli.puppet import Puppet, a_job, finds
from tests.cli.terminal import Terminal
from tests.worker.scripted_hall import Message


def task(state: str, done: int, refused: int = 0) -> dict[str, Any]:
    return {"id": "t1", "action": "cancel", "state": state, "looked": done + refused, "done": done, "refused": refused}


@pytest.fixture
def busy(puppet: Puppet) -> Puppet:
    """A hall that needs two steps for everything."""
    for cmd in ("cancel", "retry", "change", "remove"):
        puppet.answers[cmd] = {"task": task("running", 0)}
    puppet.answers["counts"] = {"counts": [{"queue": "images", "kind": "a", "state": "ready", "jobs": 400}]}
    puppet.answers["task"] = {"task": task("running", 200)}
    puppet.pushes["task"] = [{"task": task("done", 312, 1)}]
    return puppet


def test_filters_go_to_the_hall_as_they_are(busy: Puppet, cli: Cli) -> None:
    words = ["--queue", "images", "--kind", "resize", "--state", "ready", "--tag", "t", "--key", "k", "--worker", "w"]
    said = cli("cancel", *words, "--since", "2026-01-31T10:00:00Z", "--until", "2026-01-31T12:00:00Z", "--yes")
    assert (said.status, said.out) == (0, "312 jobs cancelled, 1 refused\n")
    where = busy.asked("cancel")[0]["where"]
    assert {name: where[name] for name in ("queue", "kind", "state", "tag", "key", "worker")} == {
        "queue": "images", "kind": "resize", "state": "ready", "tag": "t", "key": "k", "worker": "w",
    }  # fmt: skip
    assert where["created_after"] < where["created_before"]


@pytest.mark.parametrize(("verb", "past"), [("cancel", "cancelled"), ("retry", "retried"), ("remove", "removed")])
def test_every_verb_says_what_it_did(busy: Puppet, cli: Cli, verb: str, past: str) -> None:
    assert cli(verb, "--queue", "images", "--yes").out == f"312 jobs {past}, 1 refused\n"


def test_the_answer_in_json_is_the_halls(busy: Puppet, cli: Cli) -> None:
    assert cli("retry", "--state", "failed", "--yes", "--json").json == {"task": task("done", 312, 1)}


def test_a_script_must_say_that_it_means_all(busy: Puppet, cli: Cli) -> None:
    said = cli("cancel", "--queue", "images")
    assert said.status == 2
    assert "to cancel all that fit without being asked, say --yes" in said.err
    assert busy.asked("cancel") == []


@pytest.mark.parametrize("words", [[], ["last", "--queue", "images"]])
def test_jobs_are_named_or_chosen_not_both_and_not_neither(busy: Puppet, cli: Cli, words: list[str]) -> None:
    said = cli("cancel", *words)
    assert said.status == 2
    assert "name the jobs to cancel" in said.err


def test_what_change_sets_is_read_by_its_name(busy: Puppet, cli: Cli) -> None:
    words = ["priority=9", "run_at=now", "timeout=90s", "tags=a,b", "meta=team=maps", "requires=gpu=1", "queue=slow"]
    said = cli("change", "--queue", "images", "--yes", *(part for word in words for part in ("--set", word)))
    assert said.out == "312 jobs changed, 1 refused\n"
    assert busy.asked("change")[0]["set"] == {
        "priority": 9, "run_at": None, "timeout_seconds": 90.0, "tags": ["a", "b"], "meta": {"team": "maps"},
        "requires": {"gpu": 1}, "queue": "slow",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("word", "shown"),
    [
        ("prioritty=9", "there is no 'prioritty' to set: did you mean priority?"),
        ("colour=red", "use one of queue, priority"),
        ("priority", "write priority=VALUE"),
        ("priority=high", "--set priority: 'high' is no whole number"),
        ("ttl=soon", "--set ttl: 'soon' is no duration"),
        ("run_at=soon", "--set run_at: 'soon' is no time"),
    ],
)
def test_what_change_cannot_set_is_a_usage_error_without_any_hall(cli: Cli, word: str, shown: str) -> None:
    said = cli("change", "last", "--set", word)
    assert said.status == 2
    assert shown in said.err


def test_refusals_are_sentences(puppet: Puppet, cli: Cli) -> None:
    one, two, three = (f"{number:016x}" for number in (1, 2, 3))
    puppet.answers["retry"] = {"refused": [{"id": one, "code": "wrong_state"}, {"id": two, "code": "not_found"}]}
    puppet.answers["get"] = {"jobs": [a_job(1, state="running")]}
    said = cli("retry", one, two, three)
    assert (said.status, said.out) == (3, f"job {three} retried\n")
    assert f"job {one} is running: only jobs that failed, were cancelled or expired are tried again" in said.err
    assert f"there is no job {two} that you may retry" in said.err


# In front of a person.


def at_terminal(shell: Shell, puppet: Puppet, line: str) -> Terminal:
    return Terminal(line, shell.cwd, {**shell.env, "HIREHALL_URL": puppet.url, "PATH": shell.env["PATH"]})


def test_a_person_is_asked_with_the_number_and_may_say_no(busy: Puppet, shell: Shell) -> None:
    rows = [("ready", 500), ("running", 12), ("succeeded", 9000)]
    busy.answers["counts"] = {
        "counts": [{"queue": "images", "kind": "resize", "state": state, "jobs": jobs} for state, jobs in rows]
    }
    with at_terminal(shell, busy, "hirehall cancel --queue images") as terminal:
        terminal.shows("cancel 512 jobs? [y/N]")
        terminal.types("n\n")
        terminal.shows("nothing was cancelled")
        assert terminal.ends() == 3
    assert busy.asked("cancel") == []
    with at_terminal(shell, busy, "hirehall cancel --queue images") as terminal:
        terminal.shows("[y/N]")
        terminal.types("y\n")
        terminal.shows("312 jobs cancelled")
        assert terminal.ends() == 0


def test_where_the_hall_has_no_numbers_jobs_are_counted_for_a_while(busy: Puppet, shell: Shell) -> None:
    def find(said: Message) -> dict[str, Any]:
        jobs = [] if said["before"] else [a_job(number) for number in range(7)]
        return {"jobs": jobs, "next": "00", "looked_back_to": "x"}

    busy.answers["find"] = find
    with at_terminal(shell, busy, "hirehall cancel --tag nightly") as terminal:
        terminal.shows("cancel 7 jobs or more? [y/N]")
        terminal.types("n\n")
        assert terminal.ends() == 3


def test_a_number_that_is_known_exactly_is_said_so(busy: Puppet, shell: Shell) -> None:
    busy.answers["find"] = finds([a_job(number) for number in range(1000, 0, -1)])
    with at_terminal(shell, busy, "hirehall cancel --tag nightly") as terminal:
        terminal.shows("cancel 1000 jobs? [y/N]")
        terminal.types("n\n")
        assert terminal.ends() == 3


def test_when_nothing_fits_nobody_is_asked(busy: Puppet, shell: Shell) -> None:
    busy.answers["counts"] = {"counts": []}
    with at_terminal(shell, busy, "hirehall retry --state failed") as terminal:
        terminal.shows("no job to retry fits: --state failed")
        assert terminal.ends() == 0
    assert busy.asked("retry") == []


def test_ctrl_c_ends_the_task_in_the_hall_too(busy: Puppet, shell: Shell) -> None:
    def answer(said: Message) -> dict[str, Any]:
        is_over = any(heard.get("stop") for heard in busy.asked("task"))
        return {"task": task("stopped" if is_over else "running", 200)}

    busy.answers["task"] = answer
    busy.pushes.clear()
    with at_terminal(shell, busy, "hirehall cancel --queue images --yes") as terminal:
        terminal.shows("200 cancelled")
        terminal.types("\x03")
        terminal.shows("200 jobs cancelled")
        terminal.shows("stopped: what was cancelled stays so")
        assert terminal.ends() == 130
    assert [said.get("stop") for said in busy.asked("task")][-2:] == [True, None]


def test_tasks_are_listed_shown_and_stopped_by_whoever_comes_later(puppet: Puppet, cli: Cli) -> None:
    def answer(said: Message) -> dict[str, Any]:
        state = "stopped" if said.get("stop") else "running"
        return {"task": task(state, 200)} if said.get("id") else {"tasks": [task("running", 200), task("done", 3, 1)]}

    puppet.answers["task"] = answer
    lines = [line.split() for line in cli("tasks").out.splitlines()]
    assert lines[1:] == [["t1", "cancel", "running", "200", "200", "0"], ["t1", "cancel", "done", "4", "3", "1"]]
    assert cli("tasks", "t1", "--json").json == {"tasks": [task("running", 200)]}
    assert "stopped" in cli("tasks", "t1", "--stop").out
    assert puppet.asked("task")[-1] == {"cmd": "task", "id": "t1", "stop": True}
    assert cli("tasks", "--stop").status == 2


def test_the_first_few_that_were_refused_are_named_with_the_halls_reason(busy: Puppet, cli: Cli) -> None:
    busy.pushes["task"] = [{"task": task("done", 300, 5)}]
    busy.answers["find"] = {"jobs": [a_job(number, state="failed") for number in range(5)]}
    closed = {"error": {"code": "queue_closed", "message": "queue 'images' is down"}}
    busy.answers["retry"] = lambda said: closed if "id" in said else {"task": task("running", 0)}
    said = cli("retry", "--state", "failed", "--yes")
    assert (said.status, said.out) == (0, "300 jobs retried, 5 refused\n")
    assert said.err.splitlines() == [
        *(f"hirehall: job {number:016x} was not retried: queue 'images' is down" for number in range(3)),
        "hirehall: ... and 2 more",
    ]
