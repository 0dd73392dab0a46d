"""Beats, the fence, and coming back after a lost connection."""

from __future__ import annotations

import asyncio

import pytest

from hirehall.errors import Forbidden, Unauthenticated
from hirehall.runners.port import Success
from hirehall.worker.lease import CLOSED_SECONDS
from tests.worker.scripted_hall import delivery
from tests.worker.stage import Stage, heard, played

LEASE = 30.0  # seconds, the default


# Beats and the fence.


async def beat(it: Stage, seconds: float = 10.0) -> None:
    """One beat, answered and heard."""
    it.clock.advance(seconds)
    it.peer.ok(await it.peer.expect("beat"))
    await heard(it)


@played()
async def test_beats_are_asked_for_an_answer_at_the_halls_rhythm(it: Stage) -> None:
    await it.hire(beat_seconds=7.0)
    await heard(it)
    it.clock.advance(6.9)
    assert it.peer.heard.empty()
    it.clock.advance(0.1)
    assert "ref" in await it.peer.expect("beat")


@played(lease_seconds=3.0)
async def test_a_short_lease_is_beaten_for_three_times(it: Stage) -> None:
    await it.hire(beat_seconds=10.0)
    await heard(it)
    it.clock.advance(1.0)
    await it.peer.expect("beat")


@played()
async def test_answered_beats_keep_the_fence_away(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    for _ in range(10):
        await beat(it)
    assert execution.stops == []


@played()
async def test_without_an_answered_beat_for_lease_less_a_tenth_every_job_is_stopped_and_not_reported(
    it: Stage,
) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    await beat(it, 10.0)  # answered: sent at 10
    it.clock.advance(26.9)  # beats at 20 and 30 stay unanswered; 36.9 is short of 10 + 27
    assert execution.stops == []
    it.clock.advance(0.2)
    assert execution.stops == ["lost"]
    keep = await it.rehire()  # a connection this silent is given up
    assert keep["jobs"] == [{"id": "01", "attempt": 1}]
    execution.end(Success(b'"too late"'))
    release = await it.peer.until("release")
    assert (release["id"], release["begun"]) == ("01", True)


@played()
async def test_the_fence_counts_from_when_an_answered_beat_was_sent(it: Stage) -> None:
    """The hall heard it at some moment between the sending and the answer: only the sending is safe."""
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    it.clock.advance(10.0)
    asked = await it.peer.expect("beat")
    it.clock.advance(9.0)
    it.peer.ok(asked)  # 9 s later
    await heard(it)
    it.clock.advance(17.9)  # 36.9 s: short of 10 + 27
    assert execution.stops == []
    it.clock.advance(0.2)
    assert execution.stops == ["lost"]


@played()
async def test_what_comes_after_a_long_sleep_is_not_begun(it: Stage) -> None:
    await it.hire()
    it.clock.now += LEASE  # no timer has run: this machine stood still, and the job lay in the socket
    it.peer.run(delivery("01"))
    release = await it.peer.until("release")
    assert (release["id"], release["begun"]) == ("01", False)
    assert it.runner.started.empty()


@played()
async def test_a_result_from_before_the_fence_is_told_after_it(it: Stage) -> None:
    await it.hire()
    running, finished = await it.start(delivery("01"), delivery("02"))
    finished.end(Success(b"7"))
    await it.peer.expect("done")
    it.clock.advance(LEASE)
    assert running.stops == ["lost"]
    await it.rehire()
    assert (await it.peer.expect("done"))["id"] == "02"


@played()
async def test_the_fence_falls_without_a_connection_too(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    it.peer.cut()
    it.peer = await it.hall.peer()  # it came back, and is not greeted
    it.clock.advance(LEASE * 0.9)
    assert execution.stops == ["lost"]


@played()
async def test_a_connection_that_closed_and_does_not_come_back_in_time_stops_every_job(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    it.peer.cut()
    it.peer = await it.hall.peer()  # something answers there, but does not greet
    it.clock.advance(CLOSED_SECONDS)
    assert execution.stops == ["lost"]


@played()
async def test_a_hall_that_is_gone_gives_no_jobs_away_and_its_workers_go_on(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    it.hall.stop_listening()
    it.peer.cut()
    while it.agent._beats._grace is not None or it.agent._session.is_open:
        await asyncio.sleep(0.001)
    it.clock.advance(LEASE * 0.8)
    assert execution.stops == []


@played()
async def test_an_idle_connection_that_went_silent_is_given_up(it: Stage) -> None:
    await it.hire()
    await heard(it)
    peer = it.peer
    it.clock.advance(LEASE)
    await peer.closed()
    await it.rehire()


# Coming back.


@played(concurrency=5)
async def test_after_a_reconnect_it_keeps_what_it_holds_then_tells_results_then_asks_for_work(
    it: Stage,
) -> None:
    await it.hire()
    worker = it.agent.worker
    running, finished, told = await it.start(delivery("01", 3), delivery("02"), delivery("03"))
    told.end(Success(b"3"))
    it.peer.ok(await it.peer.expect("done"))
    await heard(it)
    finished.end(Success(b"2"))
    await it.peer.expect("done")
    it.peer.cut()
    it.peer = await it.hall.peer()
    hello = await it.peer.greet()
    keep, done, work = [await it.peer.next() for _ in range(3)]
    assert hello["worker"] == worker
    assert keep["cmd"] == "keep"
    assert sorted(keep["jobs"], key=str) == [{"id": "01", "attempt": 3}, {"id": "02", "attempt": 1}]
    assert (done["cmd"], done["id"], done["result"]) == ("done", "02", 2)
    assert (work["cmd"], work["credit"]) == ("work", 5)
    assert running.stops == []


@played()
async def test_of_two_attempts_at_one_job_only_the_later_is_kept(it: Stage) -> None:
    await it.hire()
    await it.start(delivery("01", 2), delivery("01", 1))
    it.peer.cut()
    assert (await it.rehire())["jobs"] == [{"id": "01", "attempt": 2}]


@played()
async def test_what_the_hall_calls_lost_after_a_reconnect_is_stopped(it: Stage) -> None:
    await it.hire()
    lost, kept = await it.start(delivery("01"), delivery("02"))
    it.peer.cut()
    await it.rehire(lost=["01"])
    await lost.was_stopped.wait()
    assert (lost.stops, kept.stops) == (["lost"], [])


@played()
async def test_what_ended_without_a_connection_is_told_on_the_next_one(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    it.peer.cut()
    it.peer = await it.hall.peer()
    execution.end(Success(b"1"))
    await it.peer.greet()
    await it.peer.expect("keep")
    assert (await it.peer.expect("done"))["id"] == "01"


@played()
async def test_a_refused_keep_begins_a_new_connection(it: Stage) -> None:
    await it.hire()
    it.peer.cut()
    peer = await it.hall.peer()
    await peer.greet()
    peer.error(await peer.expect("keep"), "busy")
    await it.rehire()


@played()
async def test_work_refused_for_now_is_asked_for_again(it: Stage) -> None:
    it.peer = await it.hall.peer()
    await it.peer.greet()
    it.peer.error(await it.peer.expect("work"), "busy")
    await heard(it)
    it.clock.advance(1.0)
    await it.peer.until("work")


@played()
async def test_a_token_that_may_not_work_ends_the_agent(it: Stage) -> None:
    it.peer = await it.hall.peer()
    await it.peer.greet()
    it.peer.error(await it.peer.expect("work"), "forbidden", "this token may not work")
    with pytest.raises(Forbidden, match="may not work"):
        await it.over()
    assert it.runner.closed


@played()
async def test_a_token_that_is_revoked_ends_the_agent_at_its_next_hello(it: Stage) -> None:
    await it.hire()
    it.peer.cut()
    peer = await it.hall.peer()
    peer.error(await peer.expect("hello"), "unauthenticated")
    with pytest.raises(Unauthenticated):
        await it.over()
