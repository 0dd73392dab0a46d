"""Draining, and leaving at once."""

from __future__ import annotations

from hirehall.runners.port import Released, Success
from hirehall.worker.process import Leaver
from tests.worker.scripted_hall import delivery
from tests.worker.stage import Stage, heard, played

LEASE = 30.0  # seconds, the default


# Leaving.


@played()
async def test_draining_takes_nothing_more_finishes_what_runs_and_says_bye(it: Stage) -> None:
    await it.hire()
    running, waiting = await it.start(delivery("01"), delivery("02"))
    it.agent.drain()
    assert (await it.peer.expect("credit"))["credit"] == 0
    assert waiting.stops == ["draining"]
    waiting.end(Released())
    it.peer.ok(await it.peer.expect("release"))
    it.peer.run(delivery("03"))  # it was on its way
    late = await it.peer.expect("release")
    assert late["id"] == "03"
    it.peer.ok(late)
    running.end(Success(b"1"))
    it.peer.ok(await it.peer.expect("done"))
    it.peer.ok(await it.peer.expect("bye"))
    await it.over()
    assert it.runner.closed


@played()
async def test_the_hall_may_ask_it_to_drain(it: Stage) -> None:
    await it.hire()
    it.peer.say({"stop": {"id": "", "attempt": 0, "why": "draining"}})
    await it.peer.expect("credit")
    await it.peer.expect("bye")
    it.peer.cut()
    await it.over()


@played()
async def test_the_second_signal_gives_everything_back_and_leaves_at_once(it: Stage) -> None:
    await it.hire()
    running, finished = await it.start(delivery("01"), delivery("02"))
    leaver = Leaver(it.agent)
    leaver.told()
    await it.peer.expect("credit")
    finished.end(Success(b"2"))
    it.peer.ok(await it.peer.expect("done"))
    leaver.told()
    assert running.stops == ["draining", "quit"]
    release = await it.peer.expect("release")
    assert (release["id"], release["attempt"], release["begun"]) == ("01", 1, True)
    it.peer.ok(await it.peer.expect("bye"))
    await it.over()


@played()
async def test_a_hall_that_does_not_answer_bye_is_not_waited_for(it: Stage) -> None:
    await it.hire()
    await heard(it)
    it.agent.drain()
    await it.peer.until("bye")
    it.clock.advance(2.0)
    await it.over()


@played()
async def test_draining_without_a_connection_comes_back_to_tell_the_result_and_asks_for_nothing(
    it: Stage,
) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    it.peer.cut()
    it.peer = await it.hall.peer()
    it.agent.drain()
    execution.end(Success(b"1"))
    await it.peer.greet()
    await it.peer.expect("keep")
    done, work = await it.peer.expect("done"), await it.peer.expect("work")
    assert work["credit"] == 0
    it.peer.ok(done)
    await it.peer.expect("bye")


@played()
async def test_draining_does_not_wait_for_ever_for_a_hall_that_is_gone(it: Stage) -> None:
    await it.hire()
    await it.start(delivery("01"))
    it.peer.cut()
    await it.hall.peer()  # and is never greeted
    it.agent.drain()
    it.clock.advance(LEASE)
    await it.over()


@played()
async def test_draining_before_the_hall_was_ever_reached_ends_at_once(it: Stage) -> None:
    await it.hall.peer()
    it.agent.drain()
    await it.over()
