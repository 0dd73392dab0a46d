"""Conformance: how a store judges what workers say about attempts, and what it keeps of them."""

from __future__ import annotations

import msgspec
import pytest

from hirehall.core import lifecycle
from hirehall.core.lifecycle import Step
from hirehall.core.operations import Change
from hirehall.model import Scope, State
from tests.stores.books import ANNA, BERT, LEASE_SECONDS, Books, lane

FAULT = b'{"type":"ValueError","message":"no"}'
STEPS_IN_HAND = [
    (lifecycle.FAIL, State.FAILED),
    (lifecycle.FAIL, State.SCHEDULED),
    (lifecycle.RELEASE, State.READY),
    (lifecycle.LOSE, State.READY),
    (lifecycle.TIMEOUT, State.SCHEDULED),
]


def running(books: Books, holder: str = ANNA, **fields: object) -> int:
    job = books.one(**fields)
    assert books.claimed(lane(), holder) == [job]
    return job


def history(books: Books, job: int) -> list[dict[str, object]]:
    return msgspec.json.decode(books.job(job).history or b"[]")


# Results.


def test_a_result_is_kept_with_its_job(books: Books) -> None:
    job = running(books)
    books.pass_time(2)
    assert books.succeed_in_hand(job, result=b'{"width": 100}').answer == "applied"
    done = books.job(job)
    assert (done.state, done.result, done.finished_at) == (State.SUCCEEDED, b'{"width": 100}', books.wall_ms)
    assert done.started_at == books.wall_ms - 2_000
    assert done.history is None


def test_a_late_result_counts_while_nobody_else_has_the_job(books: Books) -> None:
    job = running(books)
    books.lose(job)
    assert books.succeed(job).answer == "applied"
    assert books.states(job) == ["succeeded"]
    assert books.claimed(lane(), BERT) == []


def test_a_late_result_is_refused_once_the_job_was_handed_out_again(books: Books) -> None:
    job = running(books)
    books.lose(job)
    books.claim(lane(), BERT)
    late = books.succeed(job)
    assert (late.answer, late.was, late.row_attempt) == ("stale", State.RUNNING, 2)
    assert books.job(job).holder == BERT


def test_a_late_result_is_refused_after_the_same_worker_got_the_job_again(books: Books) -> None:
    job = running(books)
    books.lose(job)
    books.claim(lane(), ANNA)
    assert books.succeed(job, attempt=1).answer == "stale"
    assert books.succeed(job, attempt=2).answer == "applied"


@pytest.mark.parametrize(("attempt", "holder"), [(1, BERT), (2, ANNA), (0, ANNA), (1, "team/anna2"), (-1, BERT)])
def test_a_late_result_of_another_attempt_or_holder_is_stale(books: Books, attempt: int, holder: str) -> None:
    job = running(books)
    books.lose(job)
    assert books.succeed(job, attempt, holder).answer == "stale"
    assert books.states(job) == ["ready"]


@pytest.mark.parametrize(("attempt", "holder"), [(1, BERT), (2, ANNA)])
def test_a_running_job_takes_no_result_of_another_attempt_or_holder(books: Books, attempt: int, holder: str) -> None:
    job = running(books)
    before = books.job(job)
    assert books.succeed(job, attempt, holder).answer == "stale"
    assert books.succeed_in_hand(job, attempt, holder).answer == "stale"
    assert books.job(job) == before


def test_the_same_result_again_is_a_duplicate_and_the_first_one_stays(books: Books) -> None:
    job = running(books)
    books.succeed_in_hand(job, result=b"1")
    assert books.succeed(job, result=b"2").answer == "duplicate"
    assert books.job(job).result == b"1"
    assert books.succeed(job, holder=BERT).answer == "stale"


def test_a_result_after_a_cancel_is_stale(books: Books) -> None:
    job = running(books)
    books.cancel(job)
    assert books.succeed_in_hand(job).answer == "stale"
    assert (books.job(job).state, books.job(job).result) == (State.CANCELLED, None)


def test_results_of_one_batch_are_judged_one_by_one(books: Books) -> None:
    jobs = [books.one() for _ in range(3)]
    books.claim(lane(), ANNA, ANNA, ANNA)
    books.cancel(jobs[1])
    batch = books.batch()
    batch.changes += [
        Change(lifecycle.SUCCEED, job, State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane(), result=b"1") for job in jobs
    ]
    books.apply(batch)
    assert [change.answer for change in batch.changes] == ["applied", "stale", "applied"]
    assert batch.changes[1].was is State.CANCELLED
    assert books.states(*jobs) == ["succeeded", "cancelled", "succeeded"]


def test_results_of_one_batch_stay_with_their_jobs(books: Books) -> None:
    jobs = [books.one() for _ in range(3)]
    books.claim(lane(), ANNA, ANNA, ANNA)
    batch = books.batch()
    batch.changes += [
        Change(lifecycle.SUCCEED, job, State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane(), result=b"%d" % at)
        for at, job in enumerate(jobs)
    ]
    books.apply(batch)
    assert [job.result for job in books.read(*jobs)] == [b"0", b"1", b"2"]


# Other answers.


@pytest.mark.parametrize(("step", "target"), STEPS_IN_HAND)
@pytest.mark.parametrize(("attempt", "holder"), [(1, BERT), (2, ANNA), (0, ANNA)])
def test_an_attempt_ends_only_by_its_own_holder(
    books: Books, step: Step, target: State, attempt: int, holder: str
) -> None:
    job = running(books)
    before = books.job(job)
    assert books.end(step, job, target, attempt, holder).answer == "stale"
    assert books.job(job) == before


@pytest.mark.parametrize(("step", "target"), STEPS_IN_HAND[:3])
def test_a_failure_or_release_that_is_not_in_hand_is_stale(books: Books, step: Step, target: State) -> None:
    job = running(books)
    assert books.change(step, job, target, attempt=1, holder=ANNA).answer == "stale"
    books.lose(job)
    assert books.change(step, job, target, attempt=1, holder=ANNA).answer == "stale"
    assert books.states(job) == ["ready"]


@pytest.mark.parametrize(("step", "target"), STEPS_IN_HAND[:3])
def test_the_same_failure_or_release_again_is_a_duplicate(books: Books, step: Step, target: State) -> None:
    job = running(books)
    books.end(step, job, target)
    before = books.job(job)
    assert books.change(step, job, target, attempt=1, holder=ANNA).answer == "duplicate"
    assert books.change(step, job, target, attempt=1, holder=BERT).answer == "stale"
    assert books.job(job) == before


def test_a_release_is_forgiven_and_a_failure_is_not(books: Books) -> None:
    job = running(books)
    books.end(lifecycle.RELEASE, job, State.READY)
    assert (books.job(job).attempt, books.job(job).forgiven) == (1, 1)
    books.claim(lane(), ANNA)
    books.end(lifecycle.FAIL, job, State.FAILED, attempt=2, fault=FAULT)
    assert (books.job(job).attempt, books.job(job).forgiven, books.job(job).fault) == (2, 1, FAULT)


def test_a_cancel_sees_only_the_jobs_within_its_scope(books: Books) -> None:
    job = books.one()
    assert books.cancel(job, scope=Scope("stranger")).answer == "not_found"
    assert books.states(job) == ["ready"]
    assert books.cancel(job, scope=Scope("team", frozenset({"other"}))).answer == "not_found"
    assert books.cancel(job, scope=Scope("team", frozenset({"default"}))).answer == "applied"


def test_a_change_says_where_the_job_was_and_who_follows_it(books: Books) -> None:
    job = running(books, follow=True)
    change = books.cancel(job)
    assert (change.was, change.row_lane, change.row_attempt, change.follow) == (State.RUNNING, lane(), 1, 7)


# Back into the hand, back into the lane.


def test_a_lost_job_resumes_under_the_same_attempt(books: Books) -> None:
    job = running(books, payload=b"[1]")
    books.lose(job)
    change = books.change(lifecycle.RESUME, job, State.RUNNING, attempt=1, holder=ANNA, lease_seconds=9.0)
    assert change.answer == "applied"
    assert change.row is not None
    assert (change.row.id, change.row.attempt, change.row.payload, change.row.lease_seconds) == (
        job,
        1,
        b"[1]",
        9.0,
    )
    assert books.states(job) == ["running"]
    assert [row.lease_seconds for row in books.recover().running] == [9.0]


@pytest.mark.parametrize(("attempt", "holder"), [(1, BERT), (2, ANNA)])
def test_nobody_else_resumes_a_lost_job(books: Books, attempt: int, holder: str) -> None:
    job = running(books)
    books.lose(job)
    change = books.change(lifecycle.RESUME, job, State.RUNNING, attempt=attempt, holder=holder)
    assert (change.answer, change.row) == ("stale", None)


def test_a_released_job_does_not_resume(books: Books) -> None:
    job = running(books)
    books.end(lifecycle.RELEASE, job, State.READY)
    assert books.change(lifecycle.RESUME, job, State.RUNNING, attempt=1, holder=ANNA).answer == "stale"


def test_a_result_of_a_released_attempt_is_stale(books: Books) -> None:
    job = running(books)
    books.end(lifecycle.RELEASE, job, State.READY)
    assert books.succeed(job).answer == "stale"


def test_a_lost_job_keeps_its_place_unless_it_must_go_last(books: Books) -> None:
    first, second, third = (books.one() for _ in range(3))
    books.claim(lane(), ANNA, ANNA)
    books.lose(first)
    books.end(lifecycle.LOSE, second, State.READY, place_last=True)
    assert books.claimed(lane(), BERT, BERT, BERT) == [first, third, second]


def test_a_job_that_goes_last_into_an_empty_lane_is_delivered_again(books: Books) -> None:
    job = running(books)
    books.end(lifecycle.LOSE, job, State.READY, place_last=True)
    later = books.one()
    assert books.claimed(lane(), BERT, BERT) == [job, later]


# What is kept of attempts.


def test_history_has_a_line_for_every_attempt_without_success(books: Books) -> None:
    job = running(books)
    books.end(lifecycle.FAIL, job, State.SCHEDULED, wake_at=books.wall_ms + 1_000, fault=FAULT)
    books.pass_time(1)
    books.sweep()
    books.claim(lane(), BERT)
    books.lose(job, 2, BERT)
    books.claim(lane(), ANNA)
    books.succeed_in_hand(job, 3)
    lines = history(books, job)
    assert [(line["attempt"], line["how"], line["worker"]) for line in lines] == [
        (1, "fail", "anna"),
        (2, "lose", "bert"),
    ]
    assert lines[0]["error"] == {"type": "ValueError", "message": "no"}
    assert lines[0]["at_ms"] == books.wall_ms - 1_000


def test_a_job_shows_who_ran_it_last_by_the_name_that_people_use(books: Books) -> None:
    job = running(books)
    assert (books.job(job).holder, books.job(job).worker) == (ANNA, "anna")
    books.lose(job)
    books.claim(lane(), BERT)
    assert (books.job(job).holder, books.job(job).worker) == (BERT, "bert")


def test_history_stays_short_and_keeps_the_latest(books: Books) -> None:
    job = books.one(max_attempts=1_000)
    for attempt in range(1, 31):
        books.claim(lane(), ANNA)
        books.lose(job, attempt)
    assert [line["attempt"] for line in history(books, job)] == list(range(11, 31))


def test_progress_is_kept_only_for_the_running_attempt(books: Books) -> None:
    job = running(books)
    books.note(job, 1, b'{"percent":40}')
    books.note(job, 2, b'{"percent":99}')
    assert books.job(job).progress == b'{"percent":40}'
    books.succeed_in_hand(job)
    books.note(job, 1, b'{"percent":50}')
    assert books.job(job).progress == b'{"percent":40}'


def test_the_end_of_an_attempt_brings_its_last_progress(books: Books) -> None:
    job = running(books)
    books.note(job, 1, b"1")
    books.end(lifecycle.FAIL, job, State.FAILED, progress=b"2")
    assert books.job(job).progress == b"2"


def test_a_lease_says_how_long_it_is(books: Books) -> None:
    running(books)
    assert [row.lease_seconds for row in books.recover().running] == [LEASE_SECONDS]
