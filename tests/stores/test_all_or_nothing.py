"""Conformance: a batch whose transaction fails anywhere was never there."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import Any, NamedTuple

import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import Batch, Change, Claim, Edit, LogChunk, ProgressNote, QueueChange, TokenChange
from hirehall.errors import StoreBroken, WrongState
from hirehall.model import QueueSettings, State, id_text
from hirehall.ports import LogRead
from tests.stores.books import ANNA, BERT, Books, lane, seat, spec
from tests.stores.makers import Broken, StoreMaker
from tests.stores.test_tokens import token


class Furniture(NamedTuple):
    """Jobs in every sort of situation. `hand` is in ANNA's hand, as are `lost` and `saw`, which holds its lock."""

    hand: int
    lost: int
    waiting: int
    saw: int
    saw_next: int
    parent: int
    child: int
    grandchild: int
    dead: int
    gone: int
    put_off: int


def furnish(books: Books) -> Furniture:
    """Further jobs are due, expired, or to be removed by the sweep."""
    hand, lost, waiting = (books.one() for _ in range(3))
    books.claim(lane(), ANNA, ANNA)
    saw, saw_next = (books.one("saw", lock="saw") for _ in range(2))
    books.start(saw)
    parent = books.one("parent")
    child = books.one("child", after=[id_text(parent)], tags=["a"])
    grandchild = books.one("child", after=[id_text(child)])
    dead, gone = (books.one("dead", tags=["a"], lock="other") for _ in range(2))
    for job in (dead, gone):
        books.start(job)
        books.log(job, 1, b"[1]")
        books.end(lifecycle.FAIL, job, State.FAILED)
    put_off = books.one("put off", tags=["a"], lock="third")
    books.one("late", delay_seconds=1.0)
    books.one("late", delay_seconds=1.0, lock="saw")
    books.one("short", ttl_seconds=1.0)
    old = books.one("old", keep_seconds=1.0)
    books.cancel(old)
    books.pass_time(1)
    return Furniture(hand, lost, waiting, saw, saw_next, parent, child, grandchild, dead, gone, put_off)


def everything(books: Books, jobs: Furniture) -> Batch:
    """A batch with an operation of every sort."""
    batch = books.batch()
    batch.queues.append(QueueChange("default", QueueSettings(max_running=7, lock_limit=1)))
    batch.tokens.append(TokenChange("night", token("night")))
    books.add_submit(batch, spec("fresh"), spec("fresh", key="k", tags=["b"]), spec())
    books.add_submit(batch, spec("child", after=[id_text(jobs.hand)]), spec("child", after=[id_text(12_345)]))
    books.add_submit(batch, spec("saw", lock="saw"))
    edit = Edit(priority=5, due=books.wall_ms + 1_000, tags=["c"])
    batch.changes += [
        Change(lifecycle.SUCCEED, jobs.hand, State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane(), results=[b"1"]),
        Change(lifecycle.SUCCEED, jobs.saw, State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane("saw"), results=[b"1"]),
        Change(lifecycle.LOSE, jobs.lost, State.READY, 1, ANNA, in_hand=True, place_last=True),
        Change(lifecycle.CANCEL, jobs.waiting, State.CANCELLED),
        Change(lifecycle.CANCEL, jobs.parent, State.CANCELLED),
        Change(lifecycle.RETRY, jobs.dead, State.READY),
        Change(lifecycle.REMOVE, jobs.gone, None),
        Change(lifecycle.CHANGE, jobs.put_off, State.READY, edit=edit),
    ]
    batch.notes.append(ProgressNote(jobs.lost, 1, b"1"))
    batch.logs += [LogChunk(jobs.hand, 1, b"[1]"), LogChunk(jobs.dead, 1, b"[2]")]
    batch.sweep = True
    batch.claims.append(Claim(lane(), [seat(BERT), seat(BERT)]))
    return batch


def test_a_batch_with_every_sort_of_operation_is_carried_out(books: Books) -> None:
    jobs = furnish(books)
    batch = books.apply(everything(books, jobs))
    assert [change.answer for change in batch.changes] == ["applied"] * 8
    moved = Counter(f"{moved.was.word}-{moved.state.word if moved.state else 'removed'}" for moved in batch.moved)
    assert moved == {
        "scheduled-ready": 1, "scheduled-blocked": 1, "ready-expired": 1, "cancelled-removed": 1,
        "blocked-cancelled": 3, "blocked-ready": 3,
    }  # fmt: skip
    assert [row.id for row in batch.claims[0].rows] == [batch.submits[0].ids[2], jobs.lost]
    assert books.states(*jobs) == [
        "succeeded", "running", "cancelled", "succeeded", "ready", "cancelled", "cancelled", "cancelled", "ready",
        "scheduled",
    ]  # fmt: skip


def everywhere(books: Books) -> tuple[Any, ...]:
    """All that a store holds, as far as anybody can ask."""
    jobs = books.all_jobs()
    logs = [books.ask(LogRead(job.id, 1)) for job in jobs]
    tags = [[job.id for job in books.find(tag=tag).jobs] for tag in "abc"]
    return jobs, books.recover(), logs, tags


def test_a_failure_at_any_statement_leaves_nothing_of_the_batch(books: Books, maker: StoreMaker) -> None:
    jobs = furnish(books)
    before = everywhere(books)
    failures = 0
    while True:
        with maker.fault(books.store, failures + 1) as hit, suppress(Broken, StoreBroken):
            books.apply(everything(books, jobs))
        if not hit:
            break
        failures += 1
        assert everywhere(books) == before, hit
        books.check_sums(maker)
    assert failures > 80
    assert books.states(jobs.hand) == ["succeeded"], "without a fault the same batch goes through"


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
