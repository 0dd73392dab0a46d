"""How many jobs an agent asks for beyond those that it runs at once, against a hall that a test speaks for."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from hirehall.runners.port import Failure, Released, Success
from hirehall.worker.ahead import MOST, QUICK_SECONDS, REST_SECONDS, SLOW_SECONDS
from hirehall.worker.answers import AGAIN_SECONDS
from tests.worker import stage as stages
from tests.worker.scripted_hall import Message, delivery
from tests.worker.stage import FakeRunner, Stage, heard, played


class PatientRunner(FakeRunner):
    """One whose every kind is quick."""

    can_hold = True
    is_quick = True

    def __init__(self) -> None:
        super().__init__()
        self.places: list[int] = []

    def run_at_most(self, places: int) -> None:
        self.places.append(places)


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stages, "FakeRunner", PatientRunner)


class Numbers:
    """Ids, each once."""

    def __init__(self) -> None:
        self._next = 0

    def jobs(self, count: int, **fields: Any) -> list[Message]:
        self._next += count
        return [delivery(str(number), **fields) for number in range(self._next - count, self._next)]


async def filled(it: Stage, numbers: Numbers, count: int) -> None:
    """The hall gives `count` jobs, and they succeed in a moment."""
    for execution in await it.start(*numbers.jobs(count)):
        execution.end(Success(b"1"))


async def grown(it: Stage, numbers: Numbers) -> None:
    """An agent of 2 that asks for 4."""
    await it.hire()
    await filled(it, numbers, 2)
    credit = await it.peer.expect("credit")
    assert (credit["credit"], credit["concurrency"]) == (4, 2)
    it.peer.ok(credit)
    it.peer.ok(await it.peer.expect("done"))
    await heard(it)


@played(concurrency=2)
async def test_credit_is_doubled_while_the_hall_fills_it_with_quick_jobs_and_the_runner_is_told_how_many_run(
    it: Stage,
) -> None:
    numbers = Numbers()
    await grown(it, numbers)
    count = 4
    while count < MOST:
        await filled(it, numbers, count)
        count = min(2 * count, MOST)
        assert (await it.peer.expect("credit"))["credit"] == count
        it.peer.ok(await it.peer.expect("done"))
        await heard(it)
    assert set(it.runner.places) == {2}  # type: ignore[attr-defined]


@played(concurrency=4)
async def test_a_worker_that_the_hall_does_not_fill_asks_for_nothing_more(it: Stage) -> None:
    await it.hire()
    await filled(it, Numbers(), 3)
    assert (await it.peer.next())["cmd"] == "done"


@played(concurrency=2)
async def test_jobs_that_were_in_hand_for_long_do_not_raise_it_and_for_longer_halve_it(it: Stage) -> None:
    numbers = Numbers()
    await grown(it, numbers)
    for waited, then in ((QUICK_SECONDS * 1.5, "done"), (SLOW_SECONDS * 1.5, "credit")):
        executions = await it.start(*numbers.jobs(4))
        it.clock.advance(waited)
        for execution in executions:
            execution.end(Success(b"1"))
        said = await it.peer.next()
        assert said["cmd"] == then
        it.peer.ok(said)
        await heard(it)
    assert (said["credit"], "concurrency" in said) == (2, False)


@played(concurrency=2)
async def test_credit_falls_before_anything_is_given_back_and_rests(it: Stage) -> None:
    numbers = Numbers()
    await grown(it, numbers)
    executions = await it.start(*numbers.jobs(4))
    executions[3].end(Released())
    credit, release = await it.peer.next(), await it.peer.next()
    assert (credit["cmd"], credit["credit"]) == ("credit", 2)
    assert (release["cmd"], release["begun"]) == ("release", False)
    it.peer.ok(release)
    for execution in executions[:3]:
        execution.end(Success(b"1"))
    it.peer.ok(await it.peer.expect("done"))
    await heard(it)
    await filled(it, numbers, 2)
    done = await it.peer.next()
    assert done["cmd"] == "done", "it rests"
    it.peer.ok(done)
    await heard(it)
    it.clock.advance(REST_SECONDS)
    await filled(it, numbers, 2)
    assert (await it.peer.next())["credit"] == 4


@pytest.mark.parametrize("fields", [{"once": True}, {"attempt": 2}, {"timeout_seconds": 0.2}])
def test_what_must_not_wait_runs_or_goes_back(fields: Message) -> None:
    @played(concurrency=2)
    async def play(it: Stage) -> None:
        numbers = Numbers()
        await grown(it, numbers)
        it.peer.run(*numbers.jobs(2, **fields), *numbers.jobs(1), *numbers.jobs(1, **fields))
        for _ in range(3):
            assert (await it.runner.next()).job.id != "5"
        assert (await it.peer.next())["credit"] == 2
        release = await it.peer.next()
        assert (release["cmd"], release["id"], release["begun"]) == ("release", "5", False)

    play()


@played(concurrency=2)
async def test_a_failure_does_not_raise_it(it: Stage) -> None:
    await it.hire()
    for execution in await it.start(*Numbers().jobs(2)):
        execution.end(Failure("E", "no"))
    assert (await it.peer.next())["cmd"] == "fail"


@played(concurrency=2)
async def test_a_hall_that_does_not_know_it_is_asked_once(it: Stage) -> None:
    numbers = Numbers()
    await it.hire()
    for _ in range(3):
        await filled(it, numbers, 2)
        said = await it.peer.next()
        if said["cmd"] == "credit":
            assert said["concurrency"] == 2
            it.peer.error(said, "bad_request")
            said = await it.peer.next()
        it.peer.ok(said)
        await heard(it)
    assert said["cmd"] == "done"
    assert it.agent._serving.credit == 2


@played(concurrency=2)
async def test_a_hall_that_does_not_know_it_still_says_how_many_run_at_once(it: Stage) -> None:
    await it.hire()
    await filled(it, Numbers(), 2)
    it.peer.error(await it.peer.expect("credit"), "bad_request")
    it.peer.ok(await it.peer.expect("done"))
    await heard(it)
    it.agent.set_concurrency(5)
    credit = await it.peer.expect("credit")
    assert (credit["credit"], it.runner.places[-1]) == (5, 5)  # type: ignore[attr-defined]


@played(concurrency=2)
async def test_a_credit_that_the_hall_cannot_take_now_is_said_again(it: Stage) -> None:
    numbers = Numbers()
    await it.hire()
    await filled(it, numbers, 2)
    it.peer.error(await it.peer.expect("credit"), "unknown")
    it.peer.ok(await it.peer.expect("done"))
    await heard(it)
    it.clock.advance(AGAIN_SECONDS)
    again = await it.peer.expect("credit")
    assert (again["credit"], again["concurrency"]) == (4, 2)


@played(concurrency=2)
async def test_after_a_reconnect_nothing_is_said_of_credit_before_work_however_long_its_jobs_were_in_hand(
    it: Stage,
) -> None:
    numbers = Numbers()
    await grown(it, numbers)
    executions = await it.start(*numbers.jobs(4))
    it.peer.cut()
    await eventually_lost(it)
    executions[0].end(Success(b"1"))
    it.clock.advance(2 * SLOW_SECONDS)
    await it.rehire()
    assert [(await it.peer.next())["cmd"] for _ in range(2)] == ["done", "work"]


async def eventually_lost(it: Stage) -> None:
    """Until the agent knows that its connection is gone."""
    while it.agent._session.is_open:
        await asyncio.sleep(0)


@played(concurrency=2)
async def test_on_a_new_connection_it_begins_with_what_runs_at_once(it: Stage) -> None:
    await grown(it, Numbers())
    it.peer.cut()
    await it.rehire()
    assert (await it.peer.expect("work"))["credit"] == 2
