"""Conformance: a store whose disk is full takes nothing new, while everything else goes on."""

from __future__ import annotations

import asyncio

import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import NOT_KEPT, Change, Claim
from hirehall.errors import StorageFull
from hirehall.model import State
from hirehall.stores import room
from tests.stores.books import ANNA, BERT, Books, lane, seat, spec
from tests.stores.makers import StoreMaker

BIG = b'"' + b"x" * 100_000 + b'"'
PATIENCE = 20.0


@pytest.fixture
def full(books: Books, maker: StoreMaker) -> Books:
    """Holds one running and two ready jobs, one of them with a key, and meets a full disk with a ballast of 4 MiB."""
    books.start(books.one())
    books.one()
    books.one("twin", key="k")
    maker.fill(books.store, 4_096)
    return books


def test_a_submit_is_refused_whole_and_the_remedy_is_named(full: Books) -> None:
    before = full.all_jobs()
    submit = full.submit(spec(payload=BIG), spec())
    assert isinstance(submit.refused, StorageFull)
    assert "free some space" in submit.refused.message
    assert (submit.ids, submit.duplicates, submit.conflict) == ([], {}, None)
    assert full.all_jobs() == before
    assert full.store.is_full


def test_the_other_operations_of_the_batch_that_met_it_are_carried_out_once(full: Books) -> None:
    running, ready, _ = reversed(full.all_jobs())
    batch = full.batch()
    big = full.add_submit(batch, spec(payload=BIG))
    batch.changes.append(Change(lifecycle.SUCCEED, running.id, State.SUCCEEDED, 1, ANNA, result=b"1"))
    batch.claims.append(Claim(lane(), [seat(BERT)]))
    full.apply(batch)
    assert isinstance(big.refused, StorageFull)
    assert [change.answer for change in batch.changes] == ["applied"]
    assert [row.id for row in batch.claims[0].rows] == [ready.id]
    assert full.states(running.id, ready.id) == ["succeeded", "running"]


def test_what_moved_in_the_batch_that_met_it_is_told_once(books: Books, maker: StoreMaker) -> None:
    due = books.submit(*[spec(delay_seconds=1.0)] * 500).ids
    maker.fill(books.store, 4_096)
    books.pass_time(1)
    swept = books.sweep()  # their places in the index of ready jobs need pages
    assert books.store.is_full
    assert sorted((moved.id, moved.state) for moved in swept.moved) == [(job, State.READY) for job in due]


def test_results_cancels_removes_settings_and_claims_go_on(full: Books) -> None:
    running, ready, twin = (job.id for job in reversed(full.all_jobs()))
    full.submit(spec(payload=BIG))
    assert full.succeed(running, result=BIG).answer == "applied"
    assert full.claimed(lane(), BERT) == [ready]
    assert full.end(lifecycle.RELEASE, ready, State.READY, 1, BERT).answer == "applied"
    assert full.cancel(ready).answer == "applied"
    assert full.remove(ready).answer == "applied"
    full.set_queue(max_running=3)
    full.note(running, 1, b"{}")
    assert full.job(running).result == BIG
    assert full.states(twin) == ["ready"]


def test_a_keyed_submit_of_a_job_that_is_there_gets_its_first_answer(full: Books) -> None:
    twin = full.all_jobs()[0].id
    full.submit(spec(payload=BIG))
    submit = full.submit(spec("twin", key="k"))
    assert (submit.refused, submit.ids, submit.duplicates) == (None, [twin], {twin: State.READY})
    assert full.submit(spec("twin", b"2", key="k")).conflict == "k"


def test_small_submits_without_keys_are_refused_too(full: Books) -> None:
    full.submit(spec(payload=BIG))
    assert isinstance(full.submit(spec()).refused, StorageFull)
    assert isinstance(full.submit(spec(key="new")).refused, StorageFull)


def test_logs_are_not_kept_meanwhile_and_say_so(full: Books) -> None:
    running = full.all_jobs()[-1].id
    full.submit(spec(payload=BIG))
    assert full.log(running, 1, b'{"text":"a"}') == NOT_KEPT


def test_when_there_is_space_again_new_jobs_are_taken(
    full: Books, maker: StoreMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LOOK_SECONDS", 0.001)
    full.submit(spec(payload=BIG))
    maker.free(full.store)
    full.run(asyncio.wait_for(has_room(full), PATIENCE))
    assert full.submit(spec(payload=BIG)).refused is None
    assert full.log(full.all_jobs()[-1].id, 1, b'{"text":"a"}') == 0


def test_when_even_the_ballast_is_used_up_nothing_of_the_batch_is_done(books: Books, maker: StoreMaker) -> None:
    running = books.one()
    books.start(running)
    maker.fill(books.store, 16)
    with pytest.raises(StorageFull):
        books.succeed(running, result=BIG)
    assert books.states(running) == ["running"]


async def has_room(books: Books) -> None:
    while books.store.is_full:
        await asyncio.sleep(0.001)
