"""Conformance: what people do to jobs: try again, change, remove."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import Change, Edit
from hirehall.model import Scope, State, StoredJob
from tests.stores.books import ANNA, BERT, Books, lane

FAULT = b'{"type":"ValueError","message":"no"}'


def failed(books: Books, **fields: Any) -> int:
    job = books.one(**fields)
    books.start(job)
    books.end(lifecycle.FAIL, job, State.FAILED, fault=FAULT, progress=b"1")
    return job


def tagged(books: Books, tag: str) -> list[int]:
    return [job.id for job in books.find(tag=tag).jobs]


# Try again.


def test_a_retried_job_has_all_its_attempts_again_and_keeps_its_history(books: Books) -> None:
    job = failed(books, max_attempts=1)
    before = books.job(job)
    change = books.retry(job)
    assert (change.answer, change.was, change.target, change.row_lane) == (
        "applied", State.FAILED, State.READY, lane(),
    )  # fmt: skip
    after = books.job(job)
    assert (after.state, after.attempt, after.forgiven) == (State.READY, 1, 1)
    assert (after.fault, after.progress, after.finished_at, after.wake_at) == (None, None, None, None)
    assert after.history == before.history
    (row,) = books.claim(lane(), BERT).rows
    assert (row.attempt, row.forgiven, row.max_attempts) == (2, 1, 1)


def test_a_retried_job_is_counted_in_a_lane_that_the_core_can_name(books: Books) -> None:
    job = failed(books)
    batch = books.batch()
    batch.changes.append(Change(lifecycle.RETRY, job, State.READY))
    books.apply(batch)
    assert tuple(batch.lanes[lane()])[:2] == ("default", "work")


def test_a_cancelled_or_expired_job_can_be_tried_again_and_expires_no_more(books: Books) -> None:
    cancelled, expired = books.one(ttl_seconds=5.0), books.one(ttl_seconds=1.0)
    books.cancel(cancelled)
    books.pass_time(1)
    books.sweep()
    for job in (cancelled, expired):
        assert books.retry(job).answer == "applied"
    books.pass_time(60)
    books.sweep()
    assert books.states(cancelled, expired) == ["ready", "ready"]
    assert books.claimed(lane(), ANNA, ANNA) == [cancelled, expired], "in the order of their submits"


def test_a_retried_job_is_not_removed_while_it_waits(books: Books) -> None:
    job = failed(books, keep_seconds=1.0)
    books.retry(job)
    books.pass_time(1)
    books.sweep()
    assert books.states(job) == ["ready"]


def test_a_late_result_of_the_attempt_before_is_stale(books: Books) -> None:
    job = failed(books)
    books.retry(job)
    assert books.succeed(job).answer == "stale"
    assert books.states(job) == ["ready"]


@pytest.mark.parametrize("step", [lifecycle.RETRY, lifecycle.REMOVE])
def test_what_is_out_of_scope_is_not_found(books: Books, step: lifecycle.Step) -> None:
    job = failed(books)
    assert books.want(step, job, scope=Scope("stranger")).answer == "not_found"
    assert books.want(step, job, scope=Scope(queues=frozenset({"other"}))).answer == "not_found"
    assert books.states(job) == ["failed"]


# Remove.


def test_a_removed_job_is_gone_with_everything_beside_it(books: Books) -> None:
    job = books.one(tags=["a"], key="k", lock="saw")
    books.start(job)
    books.log(job, 1, b"{}")
    books.succeed_in_hand(job)
    assert books.remove(job).answer == "applied"
    assert (books.read(job), tagged(books, "a")) == ([], [])
    assert books.one(key="k") != job
    assert books.remove(job).answer == "not_found"


def test_removing_the_last_job_of_a_lane_forgets_the_lane(books: Books, maker: Any) -> None:
    job = failed(books)
    books.remove(job)
    assert maker.declared(books.store) == set()


# Change: each field.


@pytest.mark.parametrize(
    ("fields", "shows"),
    [
        ({"queue": "images"}, {"queue": "images"}),
        ({"priority": 7}, {"priority": 7}),
        ({"requires": '{"gpu":2}'}, {"requires": '{"gpu":2}'}),
        ({"share": "bert"}, {"share": "bert"}),
        ({"expires_at": 1_900_000_000_000}, {"expires_at": 1_900_000_000_000, "wake_at": 1_900_000_000_000}),
        ({"expires_at": None}, {"expires_at": None, "wake_at": None}),
        ({"max_attempts": 9}, {"max_attempts": 9}),
        ({"due": 1_900_000_000_000, "expires_at": None}, {"state": State.SCHEDULED, "wake_at": 1_900_000_000_000}),
        ({"due": 1_700_000_000_000}, {"state": State.READY}),
        ({"due": None}, {"state": State.READY}),
    ],
)
def test_a_change_sets_what_it_names_and_nothing_else(books: Books, fields: Any, shows: Any) -> None:
    job = books.one(ttl_seconds=60.0, tags=["a"], meta={"m": "1"}, timeout_seconds=5.0, key="k")
    before = books.job(job)
    assert books.edit(job, **fields).answer == "applied"
    if "expires_at" in fields:
        shows = {"expires_at": fields["expires_at"], **shows}
    assert msgspec.structs.asdict(books.job(job)) == msgspec.structs.asdict(before) | shows


@pytest.mark.parametrize(
    ("fields", "shows"),
    [
        ({"timeout_seconds": 9.0}, {"timeout_seconds": 9.0}),
        ({"timeout_seconds": None}, {"timeout_seconds": None}),
        ({"meta": {"n": "2"}}, {"meta": {"n": "2"}}),
        ({"meta": {}}, {"meta": None}),
        ({"tags": ["b", "c"]}, {"tags": ["b", "c"]}),
        ({"tags": []}, {"tags": None}),
    ],
)
def test_a_change_of_rules_keeps_the_other_rules(books: Books, fields: Any, shows: Any) -> None:
    job = books.one(tags=["a"], meta={"m": "1"}, timeout_seconds=5.0, lock="saw")
    before = msgspec.structs.asdict(books.job(job).rules)
    assert books.edit(job, **fields).answer == "applied"
    assert msgspec.structs.asdict(books.job(job).rules) == before | shows


def test_tags_follow_their_job(books: Books) -> None:
    first, second = books.one(tags=["a", "b"]), books.one(tags=["b"])
    books.edit(first, tags=["c", "b"])
    assert (tagged(books, "a"), tagged(books, "b"), tagged(books, "c")) == ([], [second, first], [first])
    books.edit(first, tags=[])
    books.cancel(second)
    books.remove(second)
    assert (tagged(books, "b"), tagged(books, "c")) == ([], [])


def test_tags_of_a_job_that_goes_in_the_same_batch_go_with_it(books: Books) -> None:
    job = books.one()
    books.cancel(job)
    batch = books.batch()
    batch.changes.append(Change(lifecycle.CHANGE, job, State.READY, edit=Edit(tags=["a"], keep_ms=0)))
    batch.sweep = True
    books.apply(batch)
    assert books.read(job) == []


# Change: where it leads.


def test_a_job_moves_to_another_lane_in_its_place(books: Books) -> None:
    moved, left = books.one(), books.one()
    there = books.one(priority=5)
    change = books.edit(moved, priority=5)
    assert (change.was, change.row_lane, change.new_lane) == (State.READY, lane(), lane(priority=5))
    assert books.claimed(lane(priority=5), ANNA, ANNA) == [moved, there], "the order is that of the submits"
    assert books.claimed(lane(), ANNA, ANNA) == [left]


def test_a_job_that_is_put_off_wakes_when_it_is_due(books: Books) -> None:
    job = books.one(ttl_seconds=60.0)
    books.edit(job, due=books.wall_ms + 5_000)
    assert books.claimed(lane(), ANNA) == []
    books.pass_time(5)
    books.sweep()
    assert (books.states(job), books.job(job).wake_at) == (["ready"], books.wall_ms + 55_000)


def test_a_scheduled_job_is_wanted_now(books: Books) -> None:
    job = books.one(delay_seconds=60.0, ttl_seconds=90.0)
    change = books.edit(job, due=None)
    assert (change.was, change.target) == (State.SCHEDULED, State.READY)
    assert books.job(job).wake_at == books.wall_ms + 90_000
    assert books.claimed(lane(), ANNA) == [job]


def test_the_next_attempt_of_a_job_is_wanted_now_and_does_not_expire(books: Books) -> None:
    job = books.one(ttl_seconds=1.0)
    books.start(job)
    books.end(lifecycle.FAIL, job, State.SCHEDULED, wake_at=books.wall_ms + 60_000)
    books.pass_time(2)
    assert books.edit(job, due=None).answer == "applied"
    books.sweep()
    assert books.claimed(lane(), ANNA) == [job]


def test_a_change_of_other_things_keeps_the_time_of_a_scheduled_job(books: Books) -> None:
    job = books.one(delay_seconds=60.0)
    before = books.job(job)
    books.edit(job, priority=5)
    after = books.job(job)
    assert (after.state, after.wake_at, after.priority) == (before.state, before.wake_at, 5)
    books.pass_time(60)
    books.sweep()
    assert books.claimed(lane(priority=5), ANNA) == [job]


def test_a_ready_job_that_should_have_started_by_now_expires_with_the_next_sweep(books: Books) -> None:
    job = books.one()
    books.edit(job, expires_at=books.wall_ms - 1)
    assert books.last.next_wake == books.wall_ms - 1
    assert books.claimed(lane(), ANNA) == []
    books.sweep()
    assert books.states(job) == ["expired"]


def test_a_change_that_would_expire_a_job_before_its_time_is_refused(books: Books) -> None:
    job = books.one(delay_seconds=60.0)
    before = books.job(job)
    change = books.edit(job, expires_at=books.wall_ms + 60_000)
    assert (change.answer, books.job(job)) == ("conflict", before)
    assert "would expire before it may start" in change.why
    assert books.edit(job, expires_at=books.wall_ms + 60_001).answer == "applied"


def test_a_key_stays_unique_in_the_queue_that_a_job_moves_to(books: Books) -> None:
    job, twin = books.one(key="k"), books.one(key="k", queue="images")
    before = books.job(job)
    change = books.edit(job, queue="images", priority=5)
    assert (change.answer, books.job(job)) == ("conflict", before)
    assert "has a job with the key" in change.why
    books.edit(twin, queue="sounds")
    assert books.edit(job, queue="images").answer == "applied"


def test_two_jobs_of_one_key_do_not_move_to_one_queue_in_one_batch(books: Books) -> None:
    jobs = [books.one(key="k", queue=queue) for queue in ("a", "b")]
    batch = books.batch()
    batch.changes += [Change(lifecycle.CHANGE, job, State.READY, edit=Edit(queue="c")) for job in jobs]
    books.apply(batch)
    assert [change.answer for change in batch.changes] == ["applied", "conflict"]
    assert [job.queue for job in books.read(*jobs)] == ["c", "b"]


# Change: which jobs.


def running(books: Books) -> int:
    job = books.one(keep_seconds=100.0)
    books.start(job)
    return job


def ended(books: Books) -> int:
    job = books.one(keep_seconds=100.0)
    books.cancel(job)
    return job


@pytest.mark.parametrize("situation", [running, ended], ids=lambda situation: situation.__name__)
@pytest.mark.parametrize(
    "fields",
    [{"queue": "b"}, {"priority": 1}, {"due": None}, {"max_attempts": 9}, {"timeout_seconds": 1.0}, {"share": "b"}],
    ids=lambda fields: next(iter(fields)),
)
def test_a_job_that_has_begun_takes_no_change_of_its_run(books: Books, situation: Any, fields: Any) -> None:
    job = situation(books)
    before = books.job(job)
    assert books.edit(job, **fields, tags=["a"]).answer == "wrong_state"
    assert books.job(job) == before


@pytest.mark.parametrize("situation", [running, ended], ids=lambda situation: situation.__name__)
def test_every_job_takes_labels(books: Books, situation: Any) -> None:
    job = situation(books)
    before = books.job(job)
    assert books.edit(job, tags=["a"], meta={"m": "1"}).answer == "applied"
    after = books.job(job)
    assert (after.rules.tags, after.rules.meta, tagged(books, "a")) == (["a"], {"m": "1"}, [job])
    assert _without_rules(after) == _without_rules(before)


def _without_rules(job: StoredJob) -> StoredJob:
    return msgspec.structs.replace(job, rules=msgspec.UNSET)


def test_a_running_job_goes_on_after_its_labels_changed(books: Books) -> None:
    job = running(books)
    books.edit(job, tags=["a"])
    assert books.succeed_in_hand(job).answer == "applied"


def test_how_long_an_ended_job_is_kept_counts_from_its_end(books: Books) -> None:
    job = ended(books)
    books.pass_time(10)
    books.edit(job, keep_ms=20_000)
    assert books.job(job).wake_at == books.wall_ms + 10_000
    books.edit(job, keep_ms=5_000)
    books.sweep()
    assert books.read(job) == []


def test_how_long_a_running_job_will_be_kept_counts_from_its_end(books: Books) -> None:
    job = running(books)
    books.edit(job, keep_ms=20_000)
    books.succeed_in_hand(job)
    assert books.job(job).wake_at == books.wall_ms + 20_000
