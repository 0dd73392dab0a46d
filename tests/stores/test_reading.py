"""Conformance: reads."""

from __future__ import annotations

import msgspec
import pytest

from hirehall.errors import TooLarge
from hirehall.model import Scope, State, StoredJob, id_text
from hirehall.ports import ByIds, Count, Counts, LockHolders, LogRead, LogText, OldestOf, OldestReady, Parents
from tests.stores.books import ANNA, START_MS, Books, lane, spec


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


def test_a_page_leaves_out_what_can_be_large(books: Books) -> None:
    job = books.one(payload=b"[1]")
    books.claim(lane(), ANNA)
    books.succeed_in_hand(job, result=b"[2]")
    (shown,) = books.page()
    assert (shown.payload, shown.result, shown.history) == (None, None, None)
    assert msgspec.structs.replace(shown, payload=b"[1]", result=b"[2]") == books.job(job)


def test_a_read_by_ids_is_bounded_in_bytes_but_one_job_always_fits(books: Books) -> None:
    jobs = [books.one(payload=b'"%s"' % (b"x" * 9_998)) for _ in range(3)]
    assert len(read_within(books, 22_000, *jobs[:2])) == 2
    assert len(read_within(books, 10, jobs[0])) == 1
    with pytest.raises(TooLarge, match="ask for fewer"):
        read_within(books, 29_999, *jobs)


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


# Numbers.


def test_jobs_are_counted_by_queue_kind_and_state(books: Books) -> None:
    books.submit(spec(), spec(), spec(priority=3), spec("scan", queue="images"))
    books.claim(lane(), ANNA)
    assert books.ask(Counts()) == [
        Count("default", "work", State.READY, 2),
        Count("default", "work", State.RUNNING, 1),
        Count("images", "scan", State.READY, 1),
    ]
    assert [count.jobs for count in books.ask(Counts(kind="work"))] == [2, 1]
    assert [count.queue for count in books.ask(Counts(queue="images"))] == ["images"]
    assert books.ask(Counts(queue="images", kind="work")) == []


def test_counting_looks_only_at_the_askers_queues(books: Books) -> None:
    books.submit(spec(), spec(queue="images"), spec(queue="mail"))
    seen = books.ask(Counts(queues=frozenset({"images", "mail"})))
    assert [count.queue for count in seen] == ["images", "mail"]
    assert (
        books.ask(Counts(queue="default", queues=frozenset({"images"}))) == books.ask(Counts(queues=frozenset())) == []
    )


def test_the_oldest_ready_job_of_each_queue_is_known(books: Books) -> None:
    first = books.one()
    books.pass_time(60)
    books.submit(spec(priority=9), spec("scan", queue="images"), spec(queue="late", delay_seconds=60.0))
    assert books.ask(OldestReady()) == {"default": START_MS, "images": START_MS + 60_000}
    books.cancel(first)
    assert books.ask(OldestReady()) == {"default": START_MS + 60_000, "images": START_MS + 60_000}


def test_the_next_job_of_a_lane_is_known_where_there_is_one(books: Books) -> None:
    books.one()
    books.pass_time(60)
    books.submit(spec(priority=9))
    lanes = (lane(), lane("nobody"))
    assert books.ask(OldestOf(lanes)) == {lane(): START_MS}


# Circumstances.


def test_a_job_knows_its_parents_and_which_of_them_are_gone(books: Books) -> None:
    parent = books.one()
    child = books.one(after=[id_text(parent), id_text(99)])
    assert books.ask(Parents(child)) == [(parent, State.READY, True), (99, None, True)]
    assert books.ask(Parents(parent)) == books.ask(Parents(99)) == []


def test_a_parent_or_holder_of_a_lock_outside_the_scope_is_marked(books: Books) -> None:
    parent = books.one(lock="disk")
    child = books.one(after=[id_text(parent)])
    elsewhere = Scope(None, frozenset({"images"}))
    assert books.ask(Parents(child, elsewhere)) == [(parent, State.READY, False)]
    assert books.ask(LockHolders("default", "disk", elsewhere)) == [(parent, False)]


def test_a_lock_knows_who_holds_it(books: Books) -> None:
    first, second = (books.one(lock="disk") for _ in range(2))
    other = books.one(lock="disk", queue="images")
    assert books.ask(LockHolders("default", "disk")) == [(first, True)]
    assert books.ask(LockHolders("images", "disk")) == [(other, True)]
    assert books.ask(LockHolders("default", "tape")) == []
    books.cancel(first)
    assert books.ask(LockHolders("default", "disk")) == [(second, True)]


# Logs. A chunk's length is that of its entries, each with a line break; the last line break is not stored.

FIRST, SECOND, FOURTH = b'{"n":1}\n{"n":2}', b'{"n":3}', b'{"n":4}'


@pytest.fixture
def logged(books: Books) -> int:
    """A job with two attempts; of the first one's log the middle was cut out."""
    job = books.one()
    books.claim(lane(), ANNA)
    books.lose(job)
    books.claim(lane(), ANNA)
    other = books.one()
    chunks = [(job, 1, 0, FIRST), (job, 1, 16, SECOND), (job, 1, 1_000, FOURTH), (job, 2, 0, b'{"n":5}')]
    chunks.append((other, 1, 0, b'{"n":9}'))
    books.store.db.executemany("INSERT INTO logs VALUES (?, ?, ?, ?)", chunks)
    return job


def test_a_log_is_read_from_its_beginning_to_its_end(books: Books, logged: int) -> None:
    text = books.ask(LogRead(logged, 1))
    assert text == LogText(1, [b'{"n":1}', b'{"n":2}', b'{"n":3}', b'{"n":4}'], 1_008, 2)
    assert books.ask(LogRead(logged, 1, text.next)) == LogText(1, [], 1_008, 2)


def test_the_latest_attempts_log_is_read_unless_another_is_named(books: Books, logged: int) -> None:
    assert books.ask(LogRead(logged)) == LogText(2, [b'{"n":5}'], 8, 2)
    assert books.ask(LogRead(logged, 3)) == LogText(3, [], 0, 2)
    assert books.ask(LogRead(99)) == LogText(0, [], 0, 0)


@pytest.mark.parametrize(
    ("offset", "first"),
    [(0, b'{"n":1}'), (15, b'{"n":1}'), (16, b'{"n":3}'), (23, b'{"n":3}'), (24, b'{"n":4}'), (500, b'{"n":4}')],
)
def test_a_log_is_read_from_the_chunk_that_holds_the_offset_or_comes_next(
    books: Books, logged: int, offset: int, first: bytes
) -> None:
    assert books.ask(LogRead(logged, 1, offset)).entries[0] == first


def test_numbers_that_no_log_has_lead_to_nothing(books: Books, logged: int) -> None:
    for number in (1 << 70, -(1 << 70)):
        assert books.ask(LogRead(logged, number)).entries == []
    assert books.ask(LogRead(logged, 1, 1 << 70)) == LogText(1, [], 1 << 70, 2)
    assert books.ask(LogRead(logged, 1, -5)).next == 1_008


def test_a_log_is_read_in_parts_of_whole_chunks(books: Books, logged: int) -> None:
    parts = [books.ask(LogRead(logged, 1, max_bytes=23))]
    while parts[-1].entries:
        parts.append(books.ask(LogRead(logged, 1, parts[-1].next, max_bytes=23)))
    assert [(len(part.entries), part.next) for part in parts] == [(2, 16), (2, 1_008), (0, 1_008)]
    assert len(books.ask(LogRead(logged, 1, max_bytes=24)).entries) == 3
