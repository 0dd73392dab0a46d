"""Conformance: jobs that wait for a place of their lock."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import Change, Claim
from hirehall.model import State, id_text
from tests.stores.books import ANNA, BERT, Books, lane, seat, spec


def locked(books: Books, count: int = 1, **fields: object) -> list[int]:
    """Jobs of the lock `saw`, in their order."""
    return [books.one(**{"lock": "saw", **fields}) for _ in range(count)]


def in_place(books: Books, jobs: list[int]) -> list[int]:
    return [job.id for job in books.read(*jobs) if job.state in (State.READY, State.RUNNING)]


def test_one_job_of_a_lock_goes_at_a_time_the_oldest_first(books: Books) -> None:
    jobs = locked(books, 3)
    for place, job in enumerate(jobs):
        assert in_place(books, jobs[place:]) == [job]
        books.finish(job)
    assert books.states(*jobs) == ["succeeded"] * 3


def test_jobs_of_one_bulk_submit_take_turns_too(books: Books) -> None:
    jobs = books.submit(*(spec(lock="saw") for _ in range(3))).ids
    assert books.states(*jobs) == ["ready", "blocked", "blocked"]


def test_what_a_submit_became_is_answered(books: Books) -> None:
    batch = books.batch()
    submit = books.add_submit(batch, *(spec(lock="saw") for _ in range(2)))
    books.apply(batch)
    assert [job.became for job in submit.jobs] == [State.READY, None]
    assert lane() in batch.lanes


def test_a_lock_lets_as_many_go_as_its_queue_says(books: Books) -> None:
    books.set_queue(lock_limit=2)
    jobs = locked(books, 5)
    assert in_place(books, jobs) == jobs[:2]
    books.claim(lane(), ANNA, BERT)
    books.succeed_in_hand(jobs[1], holder=BERT)
    assert in_place(books, jobs) == [jobs[0], jobs[2]]


def test_a_lock_belongs_to_its_queue(books: Books) -> None:
    jobs = locked(books) + locked(books, queue="other") + locked(books, lock="drill")
    assert in_place(books, jobs) == jobs


def test_a_place_goes_to_the_highest_priority_and_there_to_the_oldest(books: Books) -> None:
    first, low, high, high_too = (locked(books, priority=priority)[0] for priority in (0, 0, 5, 5))
    for job in (first, high, high_too, low):
        assert in_place(books, [first, low, high, high_too]) == [job]
        books.finish(job)


# What gives a place back, in the same commit.


def succeed(books: Books, job: int) -> None:
    books.succeed_in_hand(job)


def fail(books: Books, job: int) -> None:
    books.end(lifecycle.FAIL, job, State.FAILED)


def fail_with_attempts_left(books: Books, job: int) -> None:
    books.end(lifecycle.FAIL, job, State.SCHEDULED, wake_at=books.wall_ms + 60_000)


def time_out(books: Books, job: int) -> None:
    books.end(lifecycle.TIMEOUT, job, State.SCHEDULED, wake_at=books.wall_ms + 60_000)


def release_for_later(books: Books, job: int) -> None:
    books.end(lifecycle.RELEASE, job, State.SCHEDULED, wake_at=books.wall_ms + 60_000)


def lose_the_last_attempt(books: Books, job: int) -> None:
    books.end(lifecycle.LOSE, job, State.FAILED)


def cancel_running(books: Books, job: int) -> None:
    books.cancel(job)


def late_result(books: Books, job: int) -> None:
    books.lose(job)
    books.succeed(job)


def cancel_ready(books: Books, job: int) -> None:
    books.cancel(job)


def expire(books: Books, job: int) -> None:
    books.edit(job, expires_at=books.wall_ms + 1_000)
    books.pass_time(1)
    books.sweep()


def put_off(books: Books, job: int) -> None:
    books.edit(job, due=books.wall_ms + 60_000)


RUNNING = (
    succeed, fail, fail_with_attempts_left, time_out, release_for_later, lose_the_last_attempt, cancel_running,
    late_result,
)  # fmt: skip
READY = (cancel_ready, expire, put_off)


@pytest.mark.parametrize("leave", [*RUNNING, *READY], ids=lambda leave: leave.__name__)
def test_a_job_that_leaves_lets_the_next_one_in_in_the_same_commit(
    books: Books, leave: Callable[[Books, int], None]
) -> None:
    jobs = locked(books, 3)
    if leave in RUNNING:
        books.start(jobs[0])
    leave(books, jobs[0])
    assert [(m.id, m.was, m.state) for m in books.last.moved if m.id != jobs[0]] == [
        (jobs[1], State.BLOCKED, State.READY)
    ]
    assert in_place(books, jobs) == [jobs[1]]


def lose(books: Books, job: int) -> None:
    books.lose(job)


def release(books: Books, job: int) -> None:
    books.end(lifecycle.RELEASE, job, State.READY)


def label(books: Books, job: int) -> None:
    books.edit(job, tags=["a"])


@pytest.mark.parametrize("stay", [lose, release, label], ids=lambda stay: stay.__name__)
def test_a_job_that_goes_back_to_its_lane_keeps_its_place(books: Books, stay: Callable[[Books, int], None]) -> None:
    jobs = locked(books, 2)
    books.start(jobs[0])
    stay(books, jobs[0])
    assert in_place(books, jobs) == jobs[:1]


def test_a_job_that_its_worker_keeps_keeps_its_place(books: Books) -> None:
    jobs = locked(books, 2)
    books.start(jobs[0])
    books.lose(jobs[0])
    assert (
        books.change(lifecycle.RESUME, jobs[0], State.RUNNING, attempt=1, holder=ANNA, lease_seconds=9.0).answer
        == "applied"
    )
    assert in_place(books, jobs) == jobs[:1]
    books.succeed_in_hand(jobs[0])
    assert in_place(books, jobs) == jobs[1:]


def test_places_that_come_free_in_one_batch_go_to_as_many(books: Books) -> None:
    books.set_queue(lock_limit=3)
    jobs = locked(books, 6)
    batch = books.batch()
    batch.changes += [Change(lifecycle.CANCEL, job, State.CANCELLED) for job in (*jobs[:2], jobs[3])]
    books.apply(batch)
    assert in_place(books, jobs) == [jobs[2], jobs[4], jobs[5]]


def test_who_is_let_in_may_be_claimed_in_the_same_batch(books: Books) -> None:
    jobs = locked(books, 2)
    books.start(jobs[0])
    batch = books.batch()
    batch.changes.append(
        Change(lifecycle.SUCCEED, jobs[0], State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane(), results=[b"1"])
    )
    batch.claims.append(Claim(lane(), [seat(BERT)]))
    books.apply(batch)
    assert [row.id for row in batch.claims[0].rows] == jobs[1:]


# Jobs that wait for something else hold no place.


def test_a_scheduled_job_holds_no_place_and_queues_when_its_time_has_come(books: Books) -> None:
    (later,) = locked(books, delay_seconds=5.0)
    first, second = locked(books, 2)
    assert books.states(later, first, second) == ["scheduled", "ready", "blocked"]
    books.pass_time(5)
    books.sweep()
    assert books.states(later, first, second) == ["blocked", "ready", "blocked"]
    books.finish(first)
    assert books.states(later, second) == ["ready", "blocked"], "it is the oldest"


def test_a_job_that_failed_queues_for_its_place_again(books: Books) -> None:
    first, second = locked(books, 2)
    books.start(first)
    fail_with_attempts_left(books, first)
    books.pass_time(60)
    books.sweep()
    assert books.states(first, second) == ["blocked", "ready"]
    books.finish(second, first)


def test_a_job_that_is_due_at_once_again_takes_its_place_in_the_same_batch(books: Books) -> None:
    first, second = locked(books, 2)
    books.start(first)
    batch = books.batch()
    batch.changes.append(
        Change(lifecycle.FAIL, first, State.SCHEDULED, 1, ANNA, in_hand=True, wake_at=books.wall_ms, fault=b"{}")
    )
    batch.sweep = True
    books.apply(batch)
    assert in_place(books, [first, second]) == [first]


def test_a_waiting_job_that_is_put_off_stands_in_nobodys_way(books: Books) -> None:
    first, second, third = locked(books, 3)
    books.edit(second, due=books.wall_ms + 60_000)
    books.finish(first)
    assert books.states(second, third) == ["scheduled", "ready"]
    books.pass_time(60)
    books.sweep()
    assert books.states(second) == ["blocked"]
    books.finish(third, second)


def test_a_waiting_job_that_expires_or_is_cancelled_stands_in_nobodys_way(books: Books) -> None:
    first = locked(books)[0]
    short, gone = locked(books, ttl_seconds=1.0)[0], locked(books)[0]
    last = locked(books)[0]
    books.pass_time(1)
    books.sweep()
    books.cancel(gone)
    books.finish(first)
    assert books.states(short, gone, last) == ["expired", "cancelled", "ready"]


# Settings.


def test_raising_the_limit_lets_more_in_at_once(books: Books) -> None:
    jobs = locked(books, 4) + locked(books, 2, lock="drill")
    elsewhere = locked(books, 2, queue="other")
    books.set_queue(lock_limit=3)
    assert in_place(books, jobs) == [*jobs[:3], *jobs[4:]]
    assert in_place(books, elsewhere) == elsewhere[:1]
    assert {moved.id for moved in books.last.moved} == {jobs[1], jobs[2], jobs[5]}


def test_lowering_the_limit_takes_nothing_back_but_lets_nobody_in(books: Books) -> None:
    books.set_queue(lock_limit=3)
    jobs = locked(books, 5)
    books.set_queue(lock_limit=1)
    assert in_place(books, jobs) == jobs[:3]
    books.finish(*jobs[:2])
    assert in_place(books, jobs[2:]) == [jobs[2]]
    books.finish(jobs[2])
    assert in_place(books, jobs[3:]) == [jobs[3]]


def test_the_limit_counts_from_the_commit_of_its_setting(books: Books) -> None:
    batch = books.batch()
    books.add_queue(batch, "default", lock_limit=2)
    submit = books.add_submit(batch, *(spec(lock="saw") for _ in range(3)))
    books.apply(batch)
    assert books.states(*submit.ids) == ["ready", "ready", "blocked"]


# With other things that wait.


def test_a_child_asks_for_its_lock_only_when_its_parents_have_succeeded(books: Books) -> None:
    parent = books.one("parent")
    (child,) = locked(books, after=[id_text(parent)])
    (other,) = locked(books)
    assert books.states(child, other) == ["blocked", "ready"]
    books.finish(parent)
    assert books.states(child, other) == ["blocked", "ready"]
    books.finish(other)
    assert books.states(child) == ["ready"]


def test_a_child_that_is_cancelled_leaves_its_lock_to_others(books: Books) -> None:
    parent = books.one("parent")
    holder, child, last = locked(books)[0], locked(books, after=[id_text(parent)])[0], locked(books)[0]
    books.cancel(parent)
    books.finish(holder)
    assert books.states(child, last) == ["cancelled", "ready"]


def test_a_parent_that_holds_the_lock_of_its_child_gives_it_over(books: Books) -> None:
    (parent,) = locked(books)
    (child,) = locked(books, after=[id_text(parent)])
    books.finish(parent)
    assert books.states(child) == ["ready"]


def test_a_job_with_a_lock_that_is_tried_again_queues_for_it(books: Books) -> None:
    first, second = locked(books, 2)
    books.start(first)
    fail(books, first)
    change = books.retry(first)
    assert (change.answer, change.target) == ("applied", State.BLOCKED)
    assert books.states(first, second) == ["blocked", "ready"]
    books.finish(second, first)


def test_a_job_with_a_free_lock_that_is_tried_again_is_ready_at_once(books: Books) -> None:
    (job,) = locked(books)
    books.start(job)
    fail(books, job)
    books.retry(job)
    assert books.states(job) == ["ready"]
    books.claim(lane(), BERT)
    books.succeed_in_hand(job, 2, BERT)


def test_a_change_of_priority_counts_at_the_lock(books: Books) -> None:
    first, second, third = locked(books, 3)
    books.edit(third, priority=5)
    books.finish(first)
    assert books.states(second, third) == ["blocked", "ready"]


def test_a_job_does_not_leave_the_queue_of_its_lock(books: Books) -> None:
    (job,) = locked(books)
    change = books.edit(job, queue="other")
    assert change.answer == "conflict"
    assert "has a lock" in change.why
    assert books.job(job).queue == "default"
