"""What a person tells workers, as official worker processes take it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.system.agents import Agents
from tests.system.hall_process import Hall
from tests.system.jobs import await_final, await_running, submit, submit_many, view
from tests.system.lines import Line, Message

pytestmark = pytest.mark.slow


@pytest.fixture
def boss(own_hall: Hall) -> Line:
    return own_hall.session()


@pytest.fixture
def ann(agents: Agents, boss: Line) -> str:
    """An official worker that takes one job at a time, and is here."""
    agents.hire("ann", "--concurrency", "1")
    until(boss, bool)
    return "ann"


def until(boss: Line, is_so: Callable[[list[Message]], bool], within: float = 10.0) -> None:
    """Ask who works here until it is so."""
    deadline = time.monotonic() + within
    while not is_so(boss.ok("workers")["workers"]):
        assert time.monotonic() < deadline, boss.dialogue
        boss.ok("wait", ids=[submit(boss, "nobody")], timeout_seconds=0.05)


def test_a_drained_worker_finishes_its_job_and_leaves(boss: Line, ann: str, agents: Agents) -> None:
    first, second = submit_many(boss, "default", [{"payload": {"ms": 700}}] * 2, kind="nap")
    await_running(boss, first)
    boss.ok("worker", worker=ann, do="drain")
    await_final(boss, [first], 5)
    assert agents.codes(within=5) == [0]
    assert (view(boss, first)["state"], view(boss, second)["state"]) == ("succeeded", "ready")
    assert boss.ok("workers")["workers"] == []


def test_a_stopped_worker_gives_its_job_back_and_leaves_at_once(boss: Line, ann: str, agents: Agents) -> None:
    job = submit(boss, kind="nap", payload={"ms": 60_000})
    await_running(boss, job)
    began = time.monotonic()
    boss.ok("worker", worker=ann, do="stop")
    until(boss, lambda workers: not workers)
    assert time.monotonic() - began < 8, "it did not wait to be thrown out"
    shown = view(boss, job)
    assert (shown["state"], shown["forgiven"]) == ("ready", 1)
    assert agents.codes(within=15) == [0]


def test_a_paused_worker_finishes_its_job_and_waits(boss: Line, ann: str) -> None:
    first, second = submit_many(boss, "default", [{"payload": {"ms": 300}}] * 2, kind="nap")
    await_running(boss, first)
    boss.ok("worker", worker=ann, do="pause")
    await_final(boss, [first], 5)
    assert boss.ok("wait", ids=[second], timeout_seconds=0.3)["pending"] == [second]
    boss.ok("worker", worker=ann, do="resume")
    await_final(boss, [second], 5)


def test_a_workers_credit_is_set_from_outside(boss: Line, ann: str) -> None:
    jobs = submit_many(boss, "default", [{"payload": {"ms": 1500}}] * 4, kind="nap")
    await_running(boss, jobs[0])
    boss.ok("worker", worker=ann, do="set", credit=3)
    until(boss, lambda workers: len(workers[0]["running"]) == 3)
    boss.ok("worker", worker=ann, do="set", credit=1)
    until(boss, lambda workers: workers[0]["credit"] == 1)
    await_final(boss, jobs, 10)


def test_a_cancelled_job_ends_its_workers_patience_and_the_next_one_runs(boss: Line, ann: str) -> None:
    wait, quick = submit(boss, kind="patient"), submit(boss, kind="nap", payload={"ms": 1})
    await_running(boss, wait)
    boss.ok("cancel", id=wait)
    await_final(boss, [quick], 5)
    assert view(boss, wait)["state"] == "cancelled"
