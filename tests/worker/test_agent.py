"""What the agent does with one job, against a hall that says exactly what the test says."""

from __future__ import annotations

import pytest

from hirehall.errors import BadRequest
from hirehall.runners.port import Failure, Released, Success
from hirehall.worker.agent import Agent
from tests.worker.scripted_hall import delivery
from tests.worker.stage import FakeRunner, Stage, heard, played

LEASE = 30.0  # seconds, the default


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
    release = await it.peer.expect("release")
    assert (release["delay_seconds"], release["begun"]) == (3, False)


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
async def test_no_progress_text_is_lost_however_fast_they_come(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery("01"))
    for percent, text in ((10, "a"), (15, ""), (20, "b"), (25, "b"), (30, "c")):
        execution.report.progress(percent, text)
    it.clock.advance(0.1)
    said = [await it.peer.expect("progress") for _ in range(3)]
    assert [(one["percent"], one["text"]) for one in said] == [(15, "a"), (25, "b"), (30, "c")]


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
