"""Many jobs of one batch that are alike: each keeps what is its own, and those between and beside are left alone."""

from __future__ import annotations

import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import Batch, Change, Claim
from hirehall.model import KEEP_SECONDS, State
from hirehall.stores import sqlite_runs
from hirehall.stores.sqlite_runs import SHORTEST, runs
from tests.stores.books import ANNA, BERT, Books, lane, name_of, seat, spec

KEEP_MS = round(KEEP_SECONDS * 1000)
MANY = 5 * SHORTEST


def numbered(books: Books, count: int = MANY) -> list[int]:
    """Jobs that are told apart by their payload only."""
    return books.submit(*[spec(payload=b"%d" % at) for at in range(count)]).ids


def deliver(books: Books, holders: list[str]) -> Claim:
    claim = Claim(lane(), [seat(holder) for holder in holders])
    batch = books.batch()
    batch.claims.append(claim)
    books.apply(batch)
    return claim


def succeed(books: Books, jobs: dict[int, str], result: bytes = b'"of %d"') -> Batch:
    """Results of these jobs from their holders, up to three neighbours in a change, the last one first."""
    changes: list[Change] = []
    for job, holder in jobs.items():
        last = changes[-1] if changes else None
        body = result % job if b"%" in result else result
        if last and last.results and job == last.id + last.jobs and holder == last.holder and last.jobs < 3:
            last.results.append(body)
        else:
            last = Change(lifecycle.SUCCEED, job, State.SUCCEEDED, 1, holder, True, lane(), results=[body])
            changes.append(last)
    batch = books.batch()
    batch.changes += reversed(changes)
    return books.apply(batch)


def test_a_run_ends_where_an_id_is_missing_or_something_differs() -> None:
    jobs = [(1, 1, "a"), (2, 3, "a"), (5, 1, "a"), (7, 1, "a"), (8, 1, "b"), (9, 1, "b")]
    assert list(runs(jobs, lambda job: job)) == [("a", jobs[:3]), ("a", jobs[3:4]), ("b", jobs[4:])]


@pytest.mark.parametrize("has_arrays", [True, False])
def test_each_job_of_many_keeps_its_payload(books: Books, monkeypatch: pytest.MonkeyPatch, has_arrays: bool) -> None:
    monkeypatch.setattr(sqlite_runs, "HAS_ARRAYS", has_arrays and sqlite_runs.HAS_ARRAYS)
    jobs = numbered(books)
    assert [job.payload for job in books.read(*jobs)] == [b"%d" % at for at in range(MANY)]


def test_one_that_is_unlike_its_neighbours_stays_so(books: Books) -> None:
    odd = MANY // 2
    specs = [spec("other" if at == odd else "work", b"%d" % at, key="k" if at == 3 else None) for at in range(MANY)]
    found = books.read(*books.submit(*specs).ids)
    assert [at for at, job in enumerate(found) if job.kind == "other"] == [odd]
    assert [at for at, job in enumerate(found) if job.key is not None] == [3]
    assert [job.payload for job in found] == [b"%d" % at for at in range(MANY)]


def test_many_are_placed_at_once_with_those_who_got_them(books: Books) -> None:
    batch = books.batch()
    submit = books.add_submit(batch, *[spec() for _ in range(MANY)])
    for at, job in enumerate(submit.jobs):
        books.place(job, ANNA if at < MANY - 2 else BERT)
    books.apply(batch)
    found = books.read(*submit.ids)
    assert [job.holder for job in found] == [ANNA] * (MANY - 2) + [BERT] * 2
    assert {(job.state, job.attempt, job.started_at) for job in found} == {(State.RUNNING, 1, books.wall_ms)}
    assert [row.id for row in books.recover().running] == submit.ids


def test_many_are_delivered_each_to_its_own_seat(books: Books) -> None:
    jobs = numbered(books)
    holders = [ANNA] * (2 * SHORTEST) + [BERT] * SHORTEST + [ANNA, BERT]
    claim = deliver(books, holders)
    assert [(row.id, row.holder) for row in claim.rows] == list(zip(jobs, holders, strict=False))
    found = books.read(*jobs)
    assert [job.holder for job in found] == holders + [None] * (MANY - len(holders))
    assert [job.worker for job in found[: len(holders)]] == [name_of(holder) for holder in holders]
    assert books.states(*jobs) == ["running"] * len(holders) + ["ready"] * (MANY - len(holders))


def test_each_of_many_results_stays_with_its_job(books: Books) -> None:
    jobs = numbered(books)
    deliver(books, [ANNA] * MANY)
    running = jobs.pop(MANY // 2)
    batch = succeed(books, dict.fromkeys(jobs, ANNA))
    assert {change.answer for change in batch.changes} == {"applied"}
    assert [job.result for job in books.read(*jobs)] == [b'"of %d"' % job for job in jobs]
    assert {(job.finished_at, job.wake_at) for job in books.read(*jobs)} == {(books.wall_ms, books.wall_ms + KEEP_MS)}
    assert books.states(running) == ["running"]


def test_equal_results_come_to_those_that_ended_only(books: Books) -> None:
    jobs = numbered(books)
    deliver(books, [ANNA] * MANY)
    running = {jobs.pop(), jobs.pop(MANY // 2), jobs.pop(0)}
    succeed(books, dict.fromkeys(jobs, ANNA), b"null")
    assert {job.result for job in books.read(*jobs)} == {b"null"}
    assert {(job.state, job.result) for job in books.read(*running)} == {(State.RUNNING, None)}


@pytest.mark.parametrize("at", [0, MANY // 2, MANY - 1])
def test_one_of_many_that_is_not_in_its_holders_hands_is_refused_alone(books: Books, at: int) -> None:
    jobs = numbered(books)
    deliver(books, [ANNA if index != at else BERT for index in range(MANY)])
    batch = succeed(books, dict.fromkeys(jobs, ANNA))
    answers = {change.id: change.answer for change in batch.changes}
    assert answers == {job: "stale" if job == jobs[at] else "applied" for job in jobs}
    assert [job.result for job in books.read(*jobs)] == [None if job == jobs[at] else b'"of %d"' % job for job in jobs]


def test_many_are_removed_and_their_neighbours_stay(books: Books) -> None:
    jobs = numbered(books)
    deliver(books, [ANNA] * MANY)
    stays = {jobs[0], jobs[SHORTEST + 1], jobs[-1]}
    succeed(books, {job: ANNA for job in jobs if job not in stays})
    books.pass_time(365 * 86_400)
    removed = [moved.id for moved in books.sweep().moved]
    assert sorted(removed) == [job for job in jobs if job not in stays]
    assert {job.id for job in books.all_jobs()} == stays
