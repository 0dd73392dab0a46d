"""Conformance: reads."""

from __future__ import annotations

import msgspec
import pytest

from hirehall.errors import TooLarge
from hirehall.model import Scope, State, StoredJob
from hirehall.ports import ByIds
from tests.stores.books import ANNA, Books, lane, spec


def test_reading_by_ids_skips_what_does_not_exist(books: Books) -> None:
    first, second = books.one(), books.one()
    assert [job.id for job in books.read(second, 99, -1, first)] == [second, first]
    assert books.read() == []


def test_reading_within_an_owners_scope_shows_only_its_own_jobs(books: Books) -> None:
    mine = books.submit(spec(), owner="anna").ids[0]
    theirs = books.submit(spec(), owner="bert").ids[0]
    assert [job.id for job in books.read(mine, theirs, scope=Scope("anna"))] == [mine]
    assert [job.id for job in books.read(mine, theirs)] == [mine, theirs]


def test_reading_within_some_queues_shows_no_job_of_another(books: Books) -> None:
    within = books.submit(spec(queue="images")).ids[0]
    outside = books.submit(spec(queue="sounds")).ids[0]
    assert [job.id for job in books.read(within, outside, scope=Scope(queues=frozenset({"images"})))] == [within]
    assert books.read(within, outside, scope=Scope("stranger", frozenset({"images"}))) == []


def test_a_page_shows_the_newest_first(books: Books) -> None:
    jobs = [books.one() for _ in range(5)]
    assert [job.id for job in books.page(3)] == jobs[:1:-1]


def test_pages_put_together_show_every_job_once(books: Books) -> None:
    jobs = books.submit(*(spec() for _ in range(25))).ids
    seen: list[int] = []
    while page := books.page(7, before=seen[-1] if seen else None):
        seen += [job.id for job in page]
    assert seen == jobs[::-1]


def test_a_page_goes_on_where_it_was_though_newer_jobs_came(books: Books) -> None:
    jobs = [books.one() for _ in range(4)]
    first = books.page(2)
    books.one()
    assert [job.id for job in books.page(2, before=first[-1].id)] == [jobs[1], jobs[0]]


def test_a_page_is_filtered_by_queue_kind_and_state(books: Books) -> None:
    books.one("resize", queue="images")
    cancelled = books.one("resize", queue="images")
    books.one("resize")
    books.one("scan", queue="images")
    books.cancel(cancelled)
    wanted = books.page(9, queue="images", kind="resize", state=State.CANCELLED)
    assert [job.id for job in wanted] == [cancelled]
    assert len(books.page(9, queue="images")) == 3
    assert len(books.page(9, kind="resize")) == 3
    assert len(books.page(9, state=State.READY)) == 3
    assert books.page(9, queue="nowhere") == []


def test_a_page_shows_neither_payloads_nor_results(books: Books) -> None:
    job = books.one(payload=b"[1]")
    books.claim(lane(), ANNA)
    books.succeed_in_hand(job, result=b"[2]")
    (shown,) = books.page()
    assert (shown.payload, shown.result) == (b"null", None)
    assert msgspec.structs.replace(shown, payload=b"[1]", result=b"[2]") == books.job(job)


def test_a_read_by_ids_is_bounded_in_bytes_but_one_job_always_fits(books: Books) -> None:
    jobs = [books.one(payload=b'"%s"' % (b"x" * 98)) for _ in range(3)]
    assert len(read_within(books, 200, *jobs[:2])) == 2
    assert len(read_within(books, 10, jobs[0])) == 1
    with pytest.raises(TooLarge, match="ask for fewer"):
        read_within(books, 299, *jobs)


def read_within(books: Books, max_bytes: int, *ids: int) -> list[StoredJob]:
    return books.run(books.store.read(ByIds(list(ids), max_bytes=max_bytes)))


def test_results_count_as_bytes_read(books: Books) -> None:
    jobs = [books.one() for _ in range(2)]
    books.claim(lane(), ANNA, ANNA)
    for job in jobs:
        books.succeed_in_hand(job, result=b'"%s"' % (b"x" * 98))
    with pytest.raises(TooLarge):
        read_within(books, 150, *jobs)


def test_reading_changes_nothing(books: Books) -> None:
    job = books.one()
    before = books.recover()
    books.read(job)
    books.page()
    assert books.recover() == before
    assert books.claimed(lane(), ANNA) == [job]


def test_texts_come_back_character_by_character(books: Books) -> None:
    text = "żółć \U0001f600 'quote\" %s ; --"
    job = books.job(books.submit(spec(text, key=text, meta={text: text}), owner=text).ids[0])
    assert (job.kind, job.key, job.owner, job.rules.meta) == (text, text, text, {text: text})
    assert [found.id for found in books.page(9, kind=text)] == [job.id]
