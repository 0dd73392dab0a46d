"""Conformance: what a hall finds again when it opens a store that outlives it."""

from __future__ import annotations

import pytest

from hirehall.core import lifecycle
from hirehall.model import State
from tests.stores.books import ANNA, BERT, Books, key_of, lane, spec
from tests.stores.makers import MAKERS

LASTING = [name for name, maker in MAKERS.items() if maker.survives]
pytestmark = pytest.mark.parametrize("maker", LASTING, indirect=True)


def test_every_job_is_found_as_it_was_left(books: Books) -> None:
    books.submit(spec(key="a"), spec("late", delay_seconds=60.0, meta={"a": "b"}), spec("gone", ttl_seconds=5.0))
    books.claim(lane(), ANNA)
    before = books.all_jobs()
    books.reopen()
    assert books.all_jobs() == before


def test_ready_jobs_are_counted_by_lane(books: Books) -> None:
    books.submit(*(spec() for _ in range(3)), spec("other", priority=2, requires={"gpu": 1}))
    books.claim(lane(), ANNA)
    books.reopen()
    lanes = {key.kind: (number, ready) for number, key, ready in books.recover().lanes}
    assert lanes["work"] == (lane(), 2)
    assert lanes["other"][1] == 1
    keys = {key for _, key, _ in books.recover().lanes}
    assert keys == {key_of(job) for job in books.all_jobs()}


def test_running_leases_are_found_with_their_holder_attempt_and_length(books: Books) -> None:
    first, second = books.one(payload=b"[1]", timeout_seconds=5.0), books.one()
    books.claim(lane(), ANNA)
    books.lose(first)
    rows = books.claim(lane(), BERT, ANNA).rows
    books.reopen()
    running = sorted(books.recover().running, key=lambda row: row.id)
    assert running == rows
    assert [(row.id, row.attempt, row.holder) for row in running] == [(first, 2, BERT), (second, 1, ANNA)]


def test_a_lease_goes_on_after_reopening(books: Books) -> None:
    job = books.one()
    books.claim(lane(), ANNA)
    books.reopen()
    assert books.succeed_in_hand(job).answer == "applied"


def test_a_late_result_counts_after_reopening(books: Books) -> None:
    job = books.one()
    books.claim(lane(), ANNA)
    books.lose(job)
    books.reopen()
    assert books.change(lifecycle.RESUME, job, State.RUNNING, attempt=1, holder=ANNA).answer == "applied"


def test_a_key_is_known_after_reopening(books: Books) -> None:
    job = books.one(key="k")
    books.reopen()
    assert books.submit(spec(key="k")).ids == [job]


def test_stored_times_go_on_after_reopening(books: Books) -> None:
    job = books.one(delay_seconds=5.0)
    books.reopen()
    assert books.recover().next_wake == books.wall_ms + 5_000
    books.pass_time(5)
    books.sweep()
    assert books.states(job) == ["ready"]


def test_ids_never_come_back_even_when_every_job_was_removed(books: Books) -> None:
    jobs = books.submit(*(spec(keep_seconds=1.0) for _ in range(3))).ids
    for job in jobs:
        books.cancel(job)
    books.pass_time(1)
    books.sweep()
    books.reopen()
    assert books.all_jobs() == []
    assert books.recover().last_id == jobs[-1]
    books.wall_ms -= 3_600_000  # the wall clock went back
    assert books.one() > jobs[-1]


def test_the_database_keeps_its_number(books: Books) -> None:
    before = books.recover().database
    books.reopen()
    assert books.recover().database == before
    assert 0 <= before < 1_024
