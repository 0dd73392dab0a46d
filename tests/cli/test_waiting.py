"""The bar of `wait`: fed by events, and not misled by what they leave out."""

from __future__ import annotations

from typing import Any

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
