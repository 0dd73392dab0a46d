"""Conformance: claims of ready jobs."""

from __future__ import annotations

import msgspec
import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import Change, Claim
from hirehall.model import State
from tests.stores.books import ANNA, BERT, LEASE_SECONDS, Books, lane, seat, spec


def test_jobs_leave_their_lane_in_the_order_of_their_submits(books: Books) -> None:
    jobs = [books.one() for _ in range(5)]
    assert books.claimed(lane(), ANNA, ANNA) == jobs[:2]
    assert books.claimed(lane(), *[BERT] * 9) == jobs[2:]


def test_a_claim_takes_jobs_of_its_own_lane_only(books: Books) -> None:
    mine = books.one("mine")
    books.one("other")
    books.one("mine", queue="elsewhere")
    books.one("mine", priority=1)
    assert books.claimed(lane("mine"), ANNA, ANNA, ANNA) == [mine]


def test_the_first_job_goes_to_the_first_seat(books: Books) -> None:
    jobs = [books.one() for _ in range(3)]
    claim = books.claim(lane(), ANNA, BERT, ANNA)
    assert [(row.id, row.holder) for row in claim.rows] == [(jobs[0], ANNA), (jobs[1], BERT), (jobs[2], ANNA)]
    assert [job.holder for job in books.read(*jobs)] == [ANNA, BERT, ANNA]


def test_a_claimed_row_carries_what_a_hall_must_know(books: Books) -> None:
    job = books.one("resize", payload=b'{"a":1}', queue="images", timeout_seconds=5.0, max_attempts=2, follow=True)
    (row,) = books.claim(lane("resize", "images"), ANNA).rows
    assert (row.id, row.kind, row.queue, row.payload) == (job, "resize", "images", b'{"a":1}')
    assert (row.attempt, row.forgiven, row.max_attempts, row.follow) == (1, 0, 2, 7)
    assert (row.holder, row.lease_seconds, row.lane) == (ANNA, LEASE_SECONDS, lane("resize", "images"))
    assert row.rules == b'{"timeout_seconds":5.0}'
    assert books.recover().running == [row]


def test_every_hand_out_is_a_new_attempt(books: Books) -> None:
    job = books.one()
    for attempt in range(1, 6):
        (row,) = books.claim(lane(), ANNA).rows
        assert row.attempt == attempt
        books.lose(job, attempt)
    assert books.job(job).attempt == 5


def test_a_start_is_that_of_the_latest_attempt_and_the_past_keeps_its_own(books: Books) -> None:
    job = books.one()
    books.claim(lane(), ANNA)
    started = books.wall_ms
    books.pass_time(10)
    books.lose(job)
    books.pass_time(5)
    books.claim(lane(), ANNA)
    found = books.job(job)
    assert found.started_at == started + 15_000
    (past,) = msgspec.json.decode(found.history or b"")
    assert (past["began_ms"], past["at_ms"]) == (started, started + 10_000)


def test_an_empty_or_unknown_lane_gives_nothing(books: Books) -> None:
    assert books.claimed(lane("nobody"), ANNA) == []
    assert books.claimed(12_345, ANNA) == []


def test_a_lane_gives_no_more_than_it_has(books: Books) -> None:
    job = books.one()
    claim = books.claim(lane(), ANNA, BERT, BERT)
    assert [(row.id, row.holder) for row in claim.rows] == [(job, ANNA)]


def test_several_lanes_are_claimed_in_one_batch(books: Books) -> None:
    first, second = books.one("first"), books.one("second")
    batch = books.batch()
    batch.claims += [Claim(lane(kind), [seat(ANNA)]) for kind in ("first", "second")]
    books.apply(batch)
    assert [[row.id for row in claim.rows] for claim in batch.claims] == [[first], [second]]


def test_a_job_submitted_in_the_batch_may_be_claimed_in_it(books: Books) -> None:
    batch = books.batch()
    submit = books.add_submit(batch, spec())
    batch.claims.append(Claim(lane(), [seat(ANNA)]))
    books.apply(batch)
    assert [row.id for row in batch.claims[0].rows] == submit.ids


def test_a_job_cancelled_in_the_batch_is_not_claimed_in_it(books: Books) -> None:
    gone, next_one = books.one(), books.one()
    batch = books.batch()
    batch.changes.append(Change(lifecycle.CANCEL, gone, State.CANCELLED))
    batch.claims.append(Claim(lane(), [seat(ANNA)]))
    books.apply(batch)
    assert [row.id for row in batch.claims[0].rows] == [next_one]


def test_an_expired_job_is_never_claimed_even_before_the_sweep(books: Books) -> None:
    books.one(ttl_seconds=1.0)
    alive = books.one(ttl_seconds=2.0)
    books.pass_time(1)
    assert books.claimed(lane(), ANNA, ANNA) == [alive]


def test_a_job_that_started_once_does_not_expire_before_its_next_attempt(books: Books) -> None:
    job = books.one(ttl_seconds=1.0)
    books.claim(lane(), ANNA)
    books.lose(job)
    books.pass_time(5)
    books.sweep()
    assert books.claimed(lane(), BERT) == [job]


@pytest.mark.parametrize("holders", [[ANNA], [ANNA, BERT]])
def test_the_byte_limit_counts_for_each_worker_by_itself(books: Books, holders: list[str]) -> None:
    jobs = [books.one(payload=b'"%s"' % (b"x" * 98)) for _ in range(6)]
    seats = [holder for _ in range(3) for holder in holders]
    claim = books.claim(lane(), *seats, claim_bytes=200)
    assert [row.id for row in claim.rows] == jobs[: 2 * len(holders)]
    assert books.states(*jobs[len(claim.rows) :]) == ["ready"] * (6 - len(claim.rows))


def test_the_first_job_of_a_worker_always_fits(books: Books) -> None:
    big = books.one(payload=b'"%s"' % (b"x" * 500))
    claim = books.claim(lane(), ANNA, claim_bytes=100)
    assert [row.id for row in claim.rows] == [big]


def test_the_byte_limit_counts_over_all_lanes_of_a_batch(books: Books) -> None:
    for kind in ("first", "second"):
        books.one(kind, payload=b'"%s"' % (b"x" * 98))
    batch = books.batch()
    batch.claim_bytes = 150
    batch.claims += [Claim(lane(kind), [seat(ANNA)]) for kind in ("first", "second")]
    books.apply(batch)
    assert [len(claim.rows) for claim in batch.claims] == [1, 0]


def test_what_the_byte_limit_cut_is_claimed_next_time(books: Books) -> None:
    jobs = [books.one(payload=b'"%s"' % (b"x" * 98)) for _ in range(3)]
    got: list[int] = []
    for _ in range(3):
        got += [row.id for row in books.claim(lane(), ANNA, ANNA, claim_bytes=100).rows]
    assert got == jobs


def test_claiming_changes_neither_payload_nor_key_nor_owner(books: Books) -> None:
    job = books.one(key="k", payload=b"[1, 2]")
    before = books.job(job)
    books.claim(lane(), ANNA)
    after = books.job(job)
    assert (after.key, after.payload, after.owner, after.max_attempts) == (
        "k",
        b"[1, 2]",
        before.owner,
        before.max_attempts,
    )
    assert after.state is State.RUNNING
