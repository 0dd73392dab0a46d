"""The agent's side of the protocol, against a hall that says exactly what the test says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import pytest

from hirehall.errors import BadRequest, Forbidden, Unauthenticated
from hirehall.runners.port import Failure, Released, Success
from hirehall.worker.agent import Agent
from hirehall.worker.process import Leaver
from tests.worker.scripted_hall import delivery
from tests.worker.stage import FakeRunner, Stage, stage

LEASE = 30.0
Play = Callable[[Stage], Awaitable[None]]


def played(**options: Any) -> Callable[[Play], Callable[[], None]]:
    """Run an async test on a stage of its own."""

    def decorate(play: Play) -> Callable[[], None]:
        async def main() -> None:
            async with stage(**options) as it:
                await play(it)

        @wraps(play)
        def test() -> None:
            asyncio.run(main())

        del test.__wrapped__  # pytest would ask for its argument
        return test

    return decorate


@played(concurrency=4, queues=["images"], offers={"gpu": 1})
async def test_it_says_what_it_serves_and_its_credit(it: Stage) -> None:
    it.peer = await it.hall.peer()
    hello = await it.peer.greet()
    work = await it.peer.expect("work")
    assert hello["worker"] == it.agent.worker
    assert hello["name"] == "w"
    assert (work["queues"], work["kinds"], work["offers"]) == (["images"], ["echo"], {"gpu": 1})
    assert (work["credit"], work["lease_seconds"]) == (4, LEASE)


@played()
async def test_a_result_is_answered_with_done(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01", payload={"n": 1}))
    assert bytes(execution.job.payload) == b'{"n": 1}'
    execution.end(Success(b'{"w":1}'))
    done = await it.peer.expect("done")
    assert (done["id"], done["attempt"], done["result"]) == ("01", 1, {"w": 1})


@played()
async def test_results_that_are_ready_together_go_out_as_one_message_in_one_write(it: Stage) -> None:
    await it.hire()
    executions = await it.start(*(delivery(str(n)) for n in range(10)))
    reads = it.peer.reads
    for execution in executions:
        execution.end(Success(b"1"))
    done = await it.peer.expect("done")
    assert [job["id"] for job in done["jobs"]] == [str(n) for n in range(10)]
    assert it.peer.reads == reads + 1


@played()
async def test_results_that_do_not_fit_into_one_message_are_split(it: Stage) -> None:
    await it.hire()
    executions = await it.start(*(delivery(str(n)) for n in range(3)))
    for execution in executions:
        execution.end(Success(b'"' + b"x" * 500_000 + b'"'))
    first, second = await it.peer.expect("done"), await it.peer.expect("done")
    assert [job["id"] for job in first["jobs"]] == ["0", "1"]
    assert second["id"] == "2"


@played()
async def test_a_failure_carries_its_error_and_whether_to_try_again(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    execution.end(Failure("ValueError", "bad", "line 1", retry=True, delay_seconds=7))
    fail = await it.peer.expect("fail")
    assert fail["error"] == {"type": "ValueError", "message": "bad", "trace": "line 1"}
    assert (fail["retry"], fail["delay_seconds"]) == (True, 7)


@played()
async def test_a_job_that_did_not_begin_is_released(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    execution.end(Released(delay_seconds=3))
    assert (await it.peer.expect("release"))["delay_seconds"] == 3


@played()
async def test_a_runner_that_breaks_fails_its_job_only(it: Stage) -> None:
    await it.hire()
    broken, fine = await it.start(delivery("01"), delivery("02"))
    broken.outcome.set_exception(RuntimeError("oh"))
    fail = await it.peer.expect("fail")
    it.peer.ok(fail)
    assert fail["error"]["type"] == "RunnerError"
    fine.end(Success(b"1"))
    assert (await it.peer.expect("done"))["id"] == "02"


@played()
async def test_a_kind_that_nobody_runs_fails(it: Stage) -> None:
    await it.hire()
    it.peer.run(delivery(kind="other"))
    assert "does not run kind 'other'" in (await it.peer.expect("fail"))["error"]["message"]


@played()
async def test_a_job_said_twice_runs_once(it: Stage) -> None:
    await it.hire()
    await it.start(delivery("01"))
    it.peer.run(delivery("01"), delivery("02"))
    assert (await it.runner.next()).job.id == "02"


@played()
async def test_progress_is_told_at_most_ten_times_a_second_and_before_the_answer(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    for percent in range(50):
        execution.report.progress(percent, "on")
    it.clock.advance(0.1)
    said = await it.peer.expect("progress")
    assert said == {"cmd": "progress", "id": "01", "attempt": 1, "percent": 49, "text": "on"}
    execution.report.progress(99, "nearly")
    execution.end(Success(b"1"))
    assert (await it.peer.expect("progress"))["percent"] == 99
    await it.peer.expect("done")


# Refusals.


@played()
async def test_a_stale_answer_is_forgotten(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    execution.end(Success(b"1"))
    it.peer.error(await it.peer.expect("done"), "stale_lease")
    it.peer.cut()
    assert (await it.rehire())["jobs"] == []


@played()
async def test_a_result_that_the_hall_does_not_like_fails_its_job_and_no_other(it: Stage) -> None:
    await it.hire()
    first, second = await it.start(delivery("01"), delivery("02"))
    first.end(Success(b"1"))
    second.end(Success(b"2"))
    it.peer.error(await it.peer.expect("done"), "bad_request", "a result is too deep")
    one, two = await it.peer.expect("done"), await it.peer.expect("done")
    assert (one["id"], two["id"]) == ("01", "02")
    it.peer.ok(one)
    it.peer.error(two, "bad_request", "the result is too deep")
    fail = await it.peer.expect("fail")
    assert (fail["id"], fail["retry"], fail["error"]["type"]) == ("02", False, "bad_request")
    assert "too deep" in fail["error"]["message"]


@played()
async def test_a_result_that_the_hall_cannot_take_now_is_told_again(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    execution.end(Success(b"1"))
    it.peer.error(await it.peer.expect("done"), "unavailable")
    await heard(it)
    it.clock.advance(1.0)
    assert (await it.peer.expect("done"))["id"] == "01"


# Stopping.


@played()
async def test_a_stop_reaches_the_execution_and_the_job_is_still_answered_once(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    it.peer.say({"stop": {"id": "01", "attempt": 1, "why": "cancelled"}})
    await execution.was_stopped.wait()
    assert execution.stops == ["cancelled"]
    execution.end(Failure("Cancelled", "stopped"))
    it.peer.error(await it.peer.expect("fail"), "stale_lease")
    (other,) = await it.start(delivery("02"))
    other.end(Success(b"1"))
    assert (await it.peer.next())["id"] == "02"


@played()
async def test_a_stop_of_another_attempt_is_not_ours(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01", attempt=2))
    it.peer.say({"stop": {"id": "01", "attempt": 1, "why": "lost"}})
    await it.start(delivery("02"))
    assert execution.stops == []


@played()
async def test_a_lost_attempt_is_given_back_and_not_failed_but_its_result_is_told(it: Stage) -> None:
    await it.hire()
    broken, finished = await it.start(delivery("01"), delivery("02"))
    for job in ("01", "02"):
        it.peer.say({"stop": {"id": job, "attempt": 1, "why": "lost"}})
    await finished.was_stopped.wait()
    broken.end(Failure("Lost", "stopped"))
    assert (await it.peer.expect("release"))["id"] == "01"
    finished.end(Success(b"1"))
    assert (await it.peer.expect("done"))["id"] == "02"


@played()
async def test_a_timeout_is_kept_by_the_workers_own_clock_too(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01", timeout_seconds=5))
    it.clock.advance(4.9)
    assert execution.stops == []
    it.clock.advance(0.1)
    assert execution.stops == ["timeout"]


# Beats and the fence.


async def beat(it: Stage, seconds: float = 10.0) -> None:
    """One beat, answered and heard."""
    it.clock.advance(seconds)
    it.peer.ok(await it.peer.expect("beat"))
    await heard(it)


async def heard(it: Stage) -> None:
    """Wait until the agent has heard all that the hall said: a refusal without a ref changes nothing."""
    event = asyncio.Event()
    it.on_refusal(event.set)
    it.peer.say({"error": {"code": "stale_lease", "message": "probe"}})
    await event.wait()


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
    assert (await it.peer.until("release"))["id"] == "01"


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
    assert (release["id"], release["attempt"]) == ("01", 1)
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


# Building one.


def test_two_runners_for_one_kind_are_refused() -> None:
    with pytest.raises(BadRequest, match="kind 'echo' has two runners"):
        Agent([FakeRunner(), FakeRunner()])


def test_an_agent_that_can_run_nothing_is_refused() -> None:
    with pytest.raises(BadRequest, match="can run nothing"):
        Agent([])


def test_concurrency_is_at_least_one() -> None:
    with pytest.raises(BadRequest, match="concurrency is 0"):
        Agent([FakeRunner()], concurrency=0)
