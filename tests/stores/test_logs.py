"""Conformance: logs are appended by chunks; the middle of a long one is cut out; they go with their job."""

from __future__ import annotations

from hirehall.core import lifecycle
from hirehall.core.operations import MAX_CHUNK, Change, LogChunk
from hirehall.model import State
from hirehall.ports import LogRead
from tests.stores.books import ANNA, Books, lane

MOST_BYTES = 1 << 20


def running(books: Books) -> int:
    job = books.one()
    books.start(job)
    return job


def lines_of(books: Books, job: int, attempt: int = 1) -> list[bytes]:
    return books.ask(LogRead(job, attempt, max_bytes=1 << 30)).entries


def test_chunks_follow_each_other_without_a_gap(books: Books) -> None:
    job = running(books)
    assert [books.log(job, 1, chunk) for chunk in (b"[1]\n[2]", b"[3]", b"[4]")] == [0, 8, 12]
    assert lines_of(books, job) == [b"[1]", b"[2]", b"[3]", b"[4]"]


def test_chunks_of_one_batch_keep_their_order(books: Books) -> None:
    job = running(books)
    batch = books.batch()
    batch.logs += [LogChunk(job, 1, b"[%d]" % n) for n in range(3)]
    books.apply(batch)
    assert [chunk.at_byte for chunk in batch.logs] == [0, 4, 8]
    assert lines_of(books, job) == [b"[0]", b"[1]", b"[2]"]


def test_every_attempt_has_a_log_of_its_own(books: Books) -> None:
    job = running(books)
    books.log(job, 1, b"[1]")
    books.lose(job)
    books.claim(lane(), ANNA)
    assert books.log(job, 2, b"[2]") == 0
    assert (lines_of(books, job, 1), lines_of(books, job, 2)) == ([b"[1]"], [b"[2]"])


def test_the_last_lines_come_with_the_end(books: Books) -> None:
    job = running(books)
    batch = books.batch()
    batch.changes.append(
        Change(lifecycle.SUCCEED, job, State.SUCCEEDED, 1, ANNA, in_hand=True, lane=lane(), results=[b"1"])
    )
    batch.logs.append(LogChunk(job, 1, b"[1]"))
    books.apply(batch)
    assert lines_of(books, job) == [b"[1]"]


def test_a_long_log_keeps_its_beginning_and_its_end_within_a_mebibyte(books: Books) -> None:
    job = running(books)
    lines = [b"[%06d,%s]" % (n, b"1" * 990) for n in range(4_000)]
    for begin in range(0, len(lines), 50):
        books.log(job, 1, b"\n".join(lines[begin : begin + 50]))
    kept = lines_of(books, job)
    assert sum(len(line) + 1 for line in kept) <= MOST_BYTES
    assert sum(len(line) + 1 for line in kept) > MOST_BYTES // 2
    gap = next(place for place, line in enumerate(kept) if line != lines[place])
    assert kept[:gap] == lines[:gap]
    assert kept[gap:] == lines[len(lines) - len(kept) + gap :], "whole lines up to the last one"
    assert 400_000 < gap * 1_000 < 600_000


def test_offsets_count_what_was_cut_out(books: Books) -> None:
    job = running(books)
    chunk = b"1" * MAX_CHUNK
    for number in range(40):
        assert books.log(job, 1, chunk) == number * (MAX_CHUNK + 1)
    stored = books.ask(LogRead(job, 1, max_bytes=1 << 30))
    assert stored.next == 40 * (MAX_CHUNK + 1)
    assert len(stored.entries) * (MAX_CHUNK + 1) <= MOST_BYTES


def test_a_log_of_a_job_that_is_gone_is_not_kept(books: Books) -> None:
    job = running(books)
    books.cancel(job)
    books.remove(job)
    books.log(job, 1, b"[1]")
    assert lines_of(books, job) == []


def test_a_log_goes_with_its_job_when_that_was_kept_long_enough(books: Books) -> None:
    job = books.one(keep_seconds=5.0)
    books.start(job)
    books.log(job, 1, b"[1]")
    books.succeed_in_hand(job)
    books.pass_time(5)
    books.sweep()
    assert lines_of(books, job) == []


def test_only_the_last_attempts_logs_are_kept(books: Books) -> None:
    job = books.one(max_attempts=1_000)
    for attempt in range(1, 26):
        books.claim(lane(), ANNA)
        books.log(job, attempt, b"[%d]" % attempt)
        books.lose(job, attempt)
    kept = [attempt for attempt in range(1, 26) if lines_of(books, job, attempt)]
    assert kept == list(range(6, 26))
