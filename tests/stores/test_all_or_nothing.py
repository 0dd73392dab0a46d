"""Conformance: a batch whose transaction fails anywhere was never there."""

from __future__ import annotations

from contextlib import suppress

import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import Batch, Change, Claim, ProgressNote
from hirehall.errors import StoreBroken, WrongState
from hirehall.model import State
from tests.stores.books import ANNA, BERT, Books, lane, seat, spec
from tests.stores.makers import Broken, StoreMaker


def furnish(books: Books) -> tuple[int, int, int]:
    """Two jobs in a hand and one that waits; others are due, expired, or to be removed."""
    first, second, waiting = (books.one() for _ in range(3))
    books.claim(lane(), ANNA, ANNA)
    books.one("late", delay_seconds=1.0)
    books.one("short", ttl_seconds=1.0)
    old = books.one("old", keep_seconds=1.0)
    books.cancel(old)
    books.pass_time(1)
    return first, second, waiting


def everything(books: Books, first: int, second: int, waiting: int) -> Batch:
    """A batch with an operation of every sort."""
    batch = books.batch()
    books.add_submit(batch, spec("fresh"), spec("fresh", key="k"), spec())
    batch.changes += [
        Change(lifecycle.SUCCEED, first, State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane(), result=b"1"),
        Change(lifecycle.LOSE, second, State.READY, 1, ANNA, in_hand=True, place_last=True),
        Change(lifecycle.CANCEL, waiting, State.CANCELLED),
    ]
    batch.notes.append(ProgressNote(second, 1, b"1"))
    batch.sweep = True
    batch.claims.append(Claim(lane(), [seat(BERT), seat(BERT)]))
    return batch


def test_a_batch_with_every_sort_of_operation_is_carried_out(books: Books) -> None:
    first, second, waiting = furnish(books)
    batch = books.apply(everything(books, first, second, waiting))
    assert [change.answer for change in batch.changes] == ["applied"] * 3
    assert sorted(moved.state.word if moved.state else "removed" for moved in batch.moved) == [
        "expired",
        "ready",
        "removed",
    ]
    assert [row.id for row in batch.claims[0].rows] == [batch.submits[0].ids[2], second]


def test_a_failure_at_any_statement_leaves_nothing_of_the_batch(books: Books, maker: StoreMaker) -> None:
    jobs = furnish(books)
    before, found = books.all_jobs(), books.recover()
    failures = 0
    while True:
        with maker.fault(books.store, failures + 1) as hit, suppress(Broken, StoreBroken):
            books.apply(everything(books, *jobs))
        if not hit:
            break
        failures += 1
        assert books.all_jobs() == before, hit
        assert books.recover() == found, hit
        books.check_sums(maker)
    assert failures > 20
    assert books.states(jobs[0]) == ["succeeded"], "without a fault the same batch goes through"


def test_an_illegal_step_fails_its_whole_batch(books: Books) -> None:
    good, bad = books.one(), books.one()
    batch = books.batch()
    books.add_submit(batch, spec("fresh"))
    batch.changes += [
        Change(lifecycle.CANCEL, good, State.CANCELLED),
        Change(lifecycle.CANCEL, bad, State.READY),
    ]
    with pytest.raises(WrongState, match="cannot cancel to ready"):
        books.apply(batch)
    assert books.states(good, bad) == ["ready", "ready"]
    assert len(books.all_jobs()) == 2


def test_the_batch_after_a_failed_one_goes_through(books: Books) -> None:
    job = books.one()
    batch = books.batch()
    batch.changes.append(Change(lifecycle.CANCEL, job, State.READY))
    with pytest.raises(WrongState):
        books.apply(batch)
    assert books.cancel(job).answer == "applied"


def test_an_id_is_never_given_to_a_second_job(books: Books) -> None:
    batch = books.batch()
    submit = books.add_submit(batch, spec())
    books.apply(batch)
    twin = books.batch()
    again = books.add_submit(twin, spec("twin"))
    again.jobs[0].id = submit.ids[0]
    with pytest.raises(StoreBroken):
        books.apply(twin)
    assert [job.kind for job in books.all_jobs()] == ["work"]


def test_an_empty_batch_changes_nothing(books: Books) -> None:
    books.one()
    before = books.all_jobs()
    books.apply(books.batch())
    assert books.all_jobs() == before
