"""Conformance: stored times. What is due, what expires, what is removed, and when to look again."""

from __future__ import annotations

import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import SWEEP_JOBS, Change
from hirehall.model import State
from tests.stores.books import ANNA, Books, lane, spec


def test_a_scheduled_job_is_ready_when_its_time_has_come_and_not_before(books: Books) -> None:
    job = books.one(delay_seconds=60.0)
    books.pass_time(59.999)
    assert books.sweep().moved == []
    assert books.claimed(lane(), ANNA) == []
    books.pass_time(0.001)
    moved = books.sweep()
    assert [(m.id, m.lane, m.was, m.state) for m in moved.moved] == [(job, lane(), State.SCHEDULED, State.READY)]
    assert moved.lanes[lane()].kind == "work"
    assert books.claimed(lane(), ANNA) == [job]


def test_without_a_sweep_nothing_moves(books: Books) -> None:
    job = books.one(delay_seconds=1.0)
    books.pass_time(2)
    other = books.batch()
    books.add_submit(other, spec())
    assert books.apply(other).moved == []
    assert books.states(job) == ["scheduled"]


def test_a_due_job_still_expires_when_it_does_not_start(books: Books) -> None:
    job = books.one(delay_seconds=1.0, ttl_seconds=5.0)
    books.pass_time(1)
    assert books.sweep().next_wake == books.wall_ms + 4_000
    books.pass_time(4)
    books.sweep()
    assert books.states(job) == ["expired"]


def test_a_due_job_that_the_sweep_finds_too_late_never_becomes_ready(books: Books) -> None:
    job = books.one(delay_seconds=1.0, ttl_seconds=5.0)
    books.pass_time(5)
    assert [(m.was, m.state) for m in books.sweep().moved] == [(State.SCHEDULED, State.EXPIRED)]
    assert books.states(job) == ["expired"]


def test_the_end_by_expiry_names_its_follower(books: Books) -> None:
    books.one(ttl_seconds=1.0, follow=True)
    books.pass_time(1)
    (moved,) = books.sweep().moved
    assert (moved.state, moved.follow) == (State.EXPIRED, 7)


def test_a_job_waiting_for_its_next_attempt_never_expires(books: Books) -> None:
    job = books.one(ttl_seconds=1.0)
    books.claim(lane(), ANNA)
    books.end(lifecycle.FAIL, job, State.SCHEDULED, wake_at=books.wall_ms + 10_000)
    books.pass_time(10)
    books.sweep()
    assert books.states(job) == ["ready"]


@pytest.mark.parametrize("how", ["succeed", "fail", "cancel", "expire"])
def test_a_job_is_kept_for_its_time_after_every_kind_of_end(books: Books, how: str) -> None:
    job = books.one(keep_seconds=100.0, ttl_seconds=5.0)
    finish(books, job, how)
    books.pass_time(99.999)
    assert books.sweep().moved == []
    books.pass_time(0.001)
    (moved,) = books.sweep().moved
    assert (moved.id, moved.state) == (job, None)
    assert books.read(job) == []


def finish(books: Books, job: int, how: str) -> None:
    if how == "cancel":
        books.cancel(job)
    elif how == "expire":
        books.pass_time(5)
        books.sweep()
    else:
        books.claim(lane(), ANNA)
        if how == "succeed":
            books.succeed_in_hand(job)
        else:
            books.end(lifecycle.FAIL, job, State.FAILED)


def test_a_job_is_kept_a_day_when_it_says_nothing(books: Books) -> None:
    job = books.one()
    books.cancel(job)
    assert books.job(job).wake_at == books.wall_ms + 86_400_000


def test_a_job_to_be_kept_no_time_goes_with_the_next_sweep(books: Books) -> None:
    job = books.one(keep_seconds=0.0)
    batch = books.batch()
    batch.changes.append(Change(lifecycle.CANCEL, job, State.CANCELLED))
    batch.sweep = True
    books.apply(batch)
    assert [(m.id, m.was, m.state) for m in batch.moved] == [(job, State.CANCELLED, None)]


def test_an_unfinished_job_is_never_removed(books: Books) -> None:
    waiting, scheduled = books.one(keep_seconds=0.0), books.one(keep_seconds=0.0, delay_seconds=1e9)
    running = books.one("other", keep_seconds=0.0)
    books.claim(lane("other"), ANNA)
    books.pass_time(1e6)
    books.sweep()
    assert books.states(waiting, scheduled, running) == ["ready", "scheduled", "running"]


def test_a_lane_is_forgotten_with_its_last_job(books: Books) -> None:
    first, second = books.one(keep_seconds=1.0), books.one(keep_seconds=9.0)
    books.cancel(first)
    books.cancel(second)
    books.pass_time(1)
    books.sweep()
    assert books.states(second) == ["cancelled"]
    books.pass_time(8)
    books.sweep()
    assert books.all_jobs() == []
    books.one()
    assert len(books.recover().lanes) == 1


def test_a_lane_that_gets_a_job_in_the_batch_that_empties_it_stays(books: Books) -> None:
    old = books.one(keep_seconds=1.0)
    books.cancel(old)
    books.pass_time(1)
    batch = books.batch()
    fresh = books.add_submit(batch, spec())
    batch.sweep = True
    books.apply(batch)
    assert books.claimed(lane(), ANNA) == fresh.ids


def test_next_wake_is_the_earliest_stored_time(books: Books) -> None:
    books.one(delay_seconds=60.0)
    books.one(ttl_seconds=30.0)
    soon = books.one("soon", keep_seconds=10.0)
    books.cancel(soon)
    batch = books.sweep()
    assert batch.next_wake == books.wall_ms + 10_000 == books.recover().next_wake


def test_without_stored_times_there_is_no_next_wake(books: Books) -> None:
    books.one()
    assert books.sweep().next_wake is None


def test_a_running_job_has_no_stored_time(books: Books) -> None:
    books.one(ttl_seconds=5.0)
    assert books.sweep().next_wake == books.wall_ms + 5_000
    books.claim(lane(), ANNA)
    assert books.sweep().next_wake is None


def test_one_sweep_moves_at_most_a_thousand_and_says_that_there_is_more(books: Books) -> None:
    books.submit(*(spec(delay_seconds=1.0) for _ in range(2 * SWEEP_JOBS + 1)))
    books.pass_time(1)
    sweeps = [books.sweep() for _ in range(3)]
    assert [len(sweep.moved) for sweep in sweeps] == [SWEEP_JOBS, SWEEP_JOBS, 1]
    assert [sweep.sweep_again for sweep in sweeps] == [True, True, False]
    assert len({moved.id for sweep in sweeps for moved in sweep.moved}) == 2 * SWEEP_JOBS + 1


def test_the_longest_due_are_moved_first(books: Books) -> None:
    late = books.submit(*(spec("late", delay_seconds=2.0) for _ in range(SWEEP_JOBS))).ids
    early = books.submit(*(spec("early", delay_seconds=1.0) for _ in range(5))).ids
    books.pass_time(5)
    moved = {moved.id for moved in books.sweep().moved}
    assert moved.issuperset(early)
    assert len(moved.intersection(late)) == SWEEP_JOBS - 5
