"""The hall refuses an answer: whatever it was, the attempt does not stay with a worker that has forgotten it."""

from __future__ import annotations

import pytest

from hirehall.runners.port import Failure, Outcome, Released, Success
from tests.worker.scripted_hall import delivery
from tests.worker.stage import Stage, played

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
