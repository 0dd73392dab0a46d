"""Waiting: the bar is fed by events, and every way in which it can end is said."""

from __future__ import annotations

from typing import Any

import pytest

from tests.cli.conftest import Cli
from tests.cli.program import Shell
from tests.cli.puppet import Puppet, a_job
from tests.cli.terminal import Terminal
from tests.worker.scripted_hall import Message

ONE, TWO = f"{1:016x}", f"{2:016x}"


def event(name: str, job: str, number: int) -> Message:
    return {"event": name, "seq": f"r-{number}", "at": "", "id": job}


def waited(puppet: Puppet, shell: Shell, ended_after: int) -> Terminal:
    """`wait` for two jobs that have ended once so many `wait`s were answered."""

    def wait(said: Message) -> dict[str, Any]:
        is_over = len(puppet.asked("wait")) > ended_after
        jobs = [a_job(int(job, 16), state="succeeded") for job in said["ids"] if is_over]
        return {"jobs": jobs, "pending": [] if is_over else said["ids"]}

    puppet.answers |= {
        "wait": wait,
        "watch": {"seq": "r-0"},
        "get": {"jobs": [a_job(1), a_job(2)]},
        "can": {"can": True},
    }
    return Terminal(f"hirehall wait {ONE} {TWO}", shell.cwd, {**shell.env, "HIREHALL_URL": puppet.url})


def test_a_gap_makes_it_look_at_all_that_are_pending(puppet: Puppet, shell: Shell) -> None:
    puppet.pushes["watch"] = [event("gap", "", 1)]
    with waited(puppet, shell, ended_after=2) as terminal:
        assert terminal.ends() == 0
    assert [said["ids"] for said in puppet.asked("wait")] == [[ONE, TWO]] * 3


def test_it_looks_only_at_jobs_that_something_happened_to(puppet: Puppet, shell: Shell) -> None:
    puppet.pushes["watch"] = [event("progress", ONE, 1), event("succeed", TWO, 2), event("submit", "f" * 16, 3)]
    with waited(puppet, shell, ended_after=2) as terminal:
        terminal.shows("1 of 2 ended")
    assert puppet.asked("wait")[-1]["ids"] == [TWO]


SHUTDOWN = {"stop": {"id": "", "attempt": 0, "why": "shutdown"}}


@pytest.mark.parametrize("line", [["wait", ONE], ["submit", "resize", "--wait"]])
def test_a_planned_end_of_the_hall_says_how_to_go_on(puppet: Puppet, cli: Cli, line: list[str]) -> None:
    puppet.answers |= {
        "submit": {"id": ONE, "state": "ready"},
        "wait": {"pending": [ONE]},
        "get": {"jobs": [a_job(1)]},
        "can": {"can": True},
    }
    puppet.pushes["can"] = [SHUTDOWN]
    said = cli(*line)
    assert (said.status, said.out) == (4, "")
    assert f"the hall was shut down; the job goes on when it is started again: hirehall wait {ONE}\n" in said.err


@pytest.mark.parametrize("line", [["wait", ONE], ["submit", "resize", "--keep", "0", "--wait"]])
def test_a_job_that_the_hall_forgot_meanwhile_is_said_to_be_gone(puppet: Puppet, cli: Cli, line: list[str]) -> None:
    puppet.answers |= {"submit": {"id": ONE, "state": "ready"}, "wait": {"jobs": [], "pending": []}}
    said = cli(*line)
    assert (said.status, said.out) == (3, "")
    assert f"the hall does not know job {ONE} any more" in said.err


def test_the_bar_ends_when_a_job_is_forgotten(puppet: Puppet, shell: Shell) -> None:
    puppet.pushes["watch"] = [event("remove", TWO, 1), event("succeed", ONE, 2)]
    answers = iter([[ONE, TWO], [ONE, TWO], [], []])

    def wait(said: Message) -> dict[str, Any]:
        pending = next(answers)
        jobs = [a_job(1, state="succeeded")] if not pending and ONE in said["ids"] else []
        return {"jobs": jobs, "pending": pending}

    puppet.answers |= {"wait": wait, "watch": {"seq": "r-0"}, "get": {"jobs": []}, "can": {"can": True}}
    with Terminal(f"hirehall wait {ONE} {TWO}", shell.cwd, {**shell.env, "HIREHALL_URL": puppet.url}) as terminal:
        assert terminal.ends() == 3


@pytest.mark.parametrize("line", ["hirehall wait {}", "hirehall logs -f {}"])
def test_a_real_hall_that_is_shut_down_leaves_waiters_with_the_way_on(shell: Shell, line: str) -> None:
    shell.start("hirehall serve").says("ready")
    job = shell.run("hirehall submit nobody-runs-this")[1].strip()
    waiter = shell.start(line.format(job))
    waiter.says("no worker runs" if "wait" in line else "waiting for it to start")
    assert shell.run("hirehall shutdown")[0] == 0
    status, said = waiter.ends()
    assert status == 4, said
    assert "the hall was shut down; the job goes on when it is started again: hirehall" in said
