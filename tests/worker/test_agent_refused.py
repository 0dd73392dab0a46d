"""The hall refuses an answer: whatever it was, the attempt does not stay with a worker that has forgotten it."""

from __future__ import annotations

import pytest

from hirehall.runners.port import Failure, Outcome, Released, Success
from hirehall.worker.answers import AGAIN_SECONDS, MOST_DOUBTS
from tests.worker.scripted_hall import delivery
from tests.worker.stage import Stage, heard, played

LONG = Failure("ValueError", "it was not to be", "Traceback", retry=False, delay_seconds=5.0)


@played()
async def test_a_failure_that_is_refused_is_told_in_fewer_words(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    execution.end(LONG)
    it.peer.error(await it.peer.expect("fail"), "bad_request")
    fail = await it.peer.expect("fail")
    assert (fail["error"]["type"], fail["error"]["trace"]) == ("ValueError", "")
    assert (fail["retry"], fail["delay_seconds"]) == (False, None)
    it.peer.ok(fail)


@played()
async def test_a_release_that_is_refused_is_told_without_its_delay(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    execution.end(Released(delay_seconds=5.0, begun=True))
    it.peer.error(await it.peer.expect("release"), "bad_request")
    release = await it.peer.expect("release")
    assert (release["delay_seconds"], release["begun"]) == (0.0, True)
    it.peer.ok(release)


@played()
async def test_an_attempt_whose_every_answer_is_refused_is_left_out_when_the_others_are_kept(it: Stage) -> None:
    await it.hire()
    refused, _other = await it.start(delivery("01"), delivery("02"))
    refused.end(LONG)
    for cmd in ("fail", "fail", "release"):
        it.peer.error(await it.peer.expect(cmd), "too_large")
    await it.peer.closed()
    assert (await it.rehire())["jobs"] == [{"id": "02", "attempt": 1}]


@pytest.mark.parametrize(
    "outcome",
    [
        Failure("ValueError", "half a character: \ud800"),
        Failure("ValueError", "x" * 2_000_000),
        Success(b"1" * 2_000_000),
    ],
    ids=["half a character", "a long message", "a long result"],
)
def test_what_cannot_be_said_at_all_is_a_failure_too_and_nobody_elses(outcome: Outcome) -> None:
    @played()
    async def play(it: Stage) -> None:
        await it.hire()
        first, second = await it.start(delivery("01"), delivery("02"))
        first.end(outcome)
        second.end(Failure("KeyError", "its own"))
        told = [await it.peer.expect("fail") for _ in range(2)]
        assert {fail["id"] for fail in told} == {"01", "02"}
        for fail in told:
            it.peer.ok(fail)

    play()


# The hall fails at an answer by a mistake of its own.


@played()
async def test_of_results_told_together_only_the_one_at_which_the_hall_fails_is_told_again(it: Stage) -> None:
    await it.hire()
    for execution in await it.start(delivery("01"), delivery("02"), delivery("03")):
        execution.end(Success(b"1"))
    together = await it.peer.expect("done")
    assert len(together["jobs"]) == 3
    it.peer.error(together, "unknown")
    for _ in range(3):
        done = await it.peer.expect("done")
        it.peer.error(done, "unknown") if done["id"] == "02" else it.peer.ok(done)
    await heard(it)
    it.clock.advance(1.0)
    again = await it.peer.until("done")
    assert (again["id"], again["result"]) == ("02", 1)
    it.peer.ok(again)
    it.agent.drain()
    await it.peer.until("bye")  # nothing is left in hand


def test_an_answer_at_which_the_hall_always_fails_is_told_later_and_later_then_in_fewer_words_then_given_up(
    caplog: pytest.LogCaptureFixture,
) -> None:
    @played(lease_seconds=600.0)
    async def play(it: Stage) -> None:
        await it.hire()
        jobs = [delivery(job, lease_seconds=600.0) for job in ("01", "02")]
        culprit, _other = await it.start(*jobs)
        culprit.end(Success(b"1"))
        it.peer.error(await it.peer.expect("done"), "unknown", "the hall failed at this")
        for wait in (1.0, 2.0, 4.0, 8.0, 16.0, 32.0):
            await heard(it)
            it.clock.advance(wait - 0.5)
            await heard(it)
            assert "done" not in [line["cmd"] for line in it.peer.unread() if line is not None]
            it.clock.advance(0.5)
            it.peer.error(await it.peer.until("done"), "unknown", "the hall failed at this")
        for command in ("fail", "fail", "release"):
            it.peer.error(await it.peer.until(command), "unknown", "the hall failed at this")
        await it.peer.closed()
        assert (await it.rehire())["jobs"] == [{"id": "02", "attempt": 1}]

    play()
    (said,) = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith("job 01 attempt 1: its answer was told 7 times, and the hall failed at it each time")


@played(lease_seconds=600.0)
async def test_an_attempt_whose_result_the_hall_can_never_take_counts_as_a_failed_one(it: Stage) -> None:
    """What it merely no longer holds would be forgiven: it would run again for ever, also where it may only once."""
    await it.hire()
    (execution,) = await it.start(delivery(lease_seconds=600.0))
    execution.end(Success(b"1"))
    for turn in range(MOST_DOUBTS):
        it.peer.error(await it.peer.until("done"), "unknown")
        await heard(it)
        it.clock.advance(AGAIN_SECONDS * 2**turn)
    fail = await it.peer.until("fail")
    assert (fail["error"]["type"], fail["retry"]) == ("unknown", True)
    it.peer.ok(fail)
    it.agent.drain()
    await it.peer.until("bye")  # nothing is left in hand


@played()
async def test_an_answer_that_waits_to_be_told_again_is_told_once_after_a_reconnect(it: Stage) -> None:
    await it.hire()
    (execution,) = await it.start(delivery())
    execution.end(Success(b"1"))
    it.peer.error(await it.peer.expect("done"), "unknown")
    await heard(it)
    it.peer.cut()
    await it.rehire()
    it.peer.ok(await it.peer.until("done"))
    it.peer.ok(await it.peer.until("work"))
    it.clock.advance(1.0)
    (another,) = await it.start(delivery("02"))
    another.end(Success(b"2"))
    assert (await it.peer.until("done"))["id"] == "02"
