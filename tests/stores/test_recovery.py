"""Conformance: what a hall finds again when it opens a store that outlives it."""

from __future__ import annotations

import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import SWEEP_JOBS
from hirehall.model import Backoff, QueueSettings, State, id_text
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


def test_gates_outlive_a_restart(books: Books) -> None:
    parents = [books.one("parent") for _ in range(2)]
    child = books.one("child", after=list(map(id_text, parents)), lock="saw")
    other = books.one("child", lock="saw")
    books.finish(parents[0])
    books.reopen()
    assert books.states(child, other) == ["blocked", "ready"]
    books.finish(parents[1])
    books.finish(other)
    assert books.states(child) == ["ready"]


@pytest.mark.parametrize("good", [True, False], ids=["succeeded", "cancelled"])
def test_children_that_were_not_told_hear_it_after_a_restart(books: Books, good: bool) -> None:
    parent = books.one("parent", keep_seconds=0.0)
    children = books.submit(*(spec("child", after=[id_text(parent)]) for _ in range(SWEEP_JOBS + 10))).ids
    if good:
        books.finish(parent)
    else:
        books.cancel(parent)
    books.reopen()
    wake = books.recover().next_wake
    assert wake is not None
    assert wake <= books.wall_ms
    books.sweep_all()
    assert books.read(parent) == [], "it is gone, but not forgotten"
    assert set(books.states(*children)) == {"ready" if good else "cancelled"}


def test_settings_of_queues_are_found_again(books: Books) -> None:
    books.set_queue("images", state="paused", max_running=5, lock_limit=2, backoff=Backoff("linear", 2.0))
    books.set_queue("sounds", max_per_second=0.5)
    books.set_queue("images", max_waiting=7, max_attempts=2, keep_seconds=1.0)
    books.reopen()
    assert books.recover().queues == {
        "images": QueueSettings(max_waiting=7, max_attempts=2, keep_seconds=1.0),
        "sounds": QueueSettings(max_per_second=0.5),
    }


def test_a_log_goes_on_where_it_was(books: Books) -> None:
    job = books.one()
    books.claim(lane(), ANNA)
    books.log(job, 1, b"{}")
    books.reopen()
    assert books.log(job, 1, b"{}") == 3
