"""One damaged page of small jobs: what stands on the pages beside it is sound, and the hall goes on with it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hirehall.core.operations import NOT_KEPT, Claim, Seat
from hirehall.errors import Damaged
from hirehall.model import State, id_text
from hirehall.stores.sqlite import SQLiteStore
from tests.disk.test_flipped_bytes import PAGE, flip, page_full_of
from tests.stores.books import ANNA, Books, lane, spec
from tests.system.hall_process import Hall
from tests.system.lines import Line

MANY = 200
LEAF = 13  # what the page of a table begins with
BAD = b'"' + b"bad-one" * 2_000 + b'"'


class File:
    """A store's file that is built, damaged while it is closed, and opened again."""

    def __init__(self, path: Path, runner: asyncio.Runner) -> None:
        self.path = path
        self.books = Books(lambda: SQLiteStore(str(path)), runner.run)

    def damage(self, page: Callable[[bytes], int]) -> Books:
        self.books.close()
        flip(self.path, page(self.path.read_bytes()) * PAGE + PAGE // 2, 3)
        self.books.store = SQLiteStore(str(self.path))
        self.books._open()
        return self.books

    def again(self) -> Books:
        self.books.reopen()
        return self.books


@pytest.fixture
def file(tmp_path: Path) -> Iterator[File]:
    with asyncio.Runner() as runner:
        file = File(tmp_path / "data" / "hall.db", runner)
        yield file
        file.books.close()


def text(number: int) -> bytes:
    return b'"%b"' % (b"%06d" % number * 15)


def leaf(raw: bytes) -> int:
    """A page of `jobs` in the middle."""
    return next(at for at in range(len(raw) // PAGE) if raw[at * PAGE] == LEAF and text(100) in page_at(raw, at))


def page_at(raw: bytes, at: int) -> bytes:
    return raw[at * PAGE : (at + 1) * PAGE]


def of_bad_one(raw: bytes) -> int:
    return page_full_of(raw, b"bad-one")


def many(books: Books, **fields: Any) -> list[int]:
    return [books.one(payload=text(n), **fields) for n in range(MANY)]


def lost(books: Books, jobs: list[int]) -> set[int]:
    """Those that cannot be read."""
    found = set()
    for job in jobs:
        try:
            books.read(job)
        except Damaged:
            found.add(job)
    return found


def test_a_sweep_removes_what_it_can_and_is_not_due_again(file: File) -> None:
    jobs = many(file.books, keep_seconds=60)
    file.books.finish(*jobs)
    books = file.damage(leaf)
    bad = lost(books, jobs)
    assert 5 < len(bad) < MANY // 4
    books.pass_time(120)
    assert len(books.sweep().moved) > MANY // 2
    assert books.last.next_wake is None
    assert lost(books, jobs) == bad
    books = file.again()
    books.sweep()
    assert books.last.next_wake is None, "no sweep comes back to them for ever"
    assert books.submit(spec(payload=b"1")).ids


def test_results_and_deliveries_beside_a_damaged_page_are_taken_or_refused_one_by_one(file: File) -> None:
    jobs = many(file.books)
    books = file.damage(leaf)
    bad = lost(books, jobs)
    given = [row.id for _ in range(MANY) for row in books.claim(lane(), ANNA).rows]
    assert len(given) > MANY // 2
    assert not bad & set(given)
    answers = {job: books.succeed(job, result=b'"' + b"r" * 200 + b'"').answer for job in given}
    assert set(answers.values()) <= {"applied", "damaged"}
    assert sum(answer == "applied" for answer in answers.values()) > MANY // 2
    assert all(books.states(job) == ["succeeded"] for job, answer in answers.items() if answer == "applied")


@pytest.mark.parametrize("sound", ["lock", "after"])
def test_who_ends_is_told_nothing_of_a_damaged_job_that_waits_for_it(file: File, sound: str) -> None:
    def one(kind: str, payload: bytes = b"1") -> int:
        gate = {"lock": "l"} if sound == "lock" else {"after": [id_text(first)]}
        return file.books.one(kind, payload=payload, **gate)

    first = file.books.one("p", lock="l")
    file.books.start(first)
    jobs = [one("bad", BAD), one("c")]
    books = file.damage(of_bad_one)
    assert books.succeed(first).answer == "applied"
    assert [moved.id for moved in books.last.moved] == [jobs[1]]
    assert books.states(jobs[1]) == ["ready"]


def test_a_cancel_passes_a_damaged_child(file: File) -> None:
    parent = file.books.one("p")
    children = [file.books.one("c", payload=payload, after=[id_text(parent)]) for payload in (BAD, b"1")]
    books = file.damage(of_bad_one)
    assert books.cancel(parent).answer == "applied"
    assert books.states(children[1]) == ["cancelled"]


def test_a_claim_finds_the_damaged_job_behind_many_expired_ones(file: File) -> None:
    for _ in range(1_100):
        file.books.one(ttl_seconds=1)
    file.books.one(payload=BAD)
    last = file.books.one()
    books = file.damage(of_bad_one)
    books.pass_time(2)
    batch = books.batch()
    batch.claims.append(Claim(lane(), [Seat(ANNA, 30.0, "anna")]))
    assert [row.id for row in books.apply(batch).claims[0].rows] == [last]


def said(books: Books, job: int, count: int) -> None:
    for n in range(count):
        books.log(job, 1, b'{"text":"%b"}' % (b"said-%03d" % n * 60))


def last_of_log(raw: bytes) -> int:
    return [at for at in range(len(raw) // PAGE) if b"said-059" * 30 in page_at(raw, at)][-1]


def test_damage_in_logs_drops_their_lines_and_nothing_else(file: File) -> None:
    job = file.books.one(keep_seconds=1)
    other = file.books.one()
    file.books.start(job, other)
    said(file.books, job, 60)
    books = file.damage(last_of_log)
    assert books.log(job, 1, b'{"text":"x"}') == NOT_KEPT
    books.note(job, 1, b"{}")
    assert books.succeed(job).answer == "applied"
    books.pass_time(2)
    assert [moved.id for moved in books.sweep().moved] == [job]
    assert books.succeed(other).answer == "applied"


def test_stored_times_that_cannot_be_read_are_left_alone_in_this_run(
    file: File, caplog: pytest.LogCaptureFixture
) -> None:
    job = file.books.one(delay_seconds=1.0)
    ready = file.books.one()
    db = file.books.store.db
    root = int(db.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'jobs_wake'").get)
    books = file.damage(lambda raw: root - 1)
    books.pass_time(2)
    assert books.recover().next_wake is None
    assert books.sweep().next_wake is None
    assert books.states(job) == ["scheduled"]
    assert books.claimed(lane(), ANNA) == [ready]
    assert caplog.text.count("nothing comes due") == 1


def test_new_jobs_are_refused_where_they_would_go_to_a_damaged_page(file: File) -> None:
    jobs = many(file.books)
    books = file.damage(
        lambda raw: next(
            at for at in range(len(raw) // PAGE) if raw[at * PAGE] == LEAF and text(199) in page_at(raw, at)
        )
    )
    batch = books.batch()
    submit = books.add_submit(batch, spec(payload=b"1"))
    books.apply(batch)
    assert isinstance(submit.refused, Damaged)
    assert isinstance(books.submit(spec(payload=b"1")).refused, Damaged)
    assert books.claimed(lane(), ANNA) == [jobs[0]]


@pytest.mark.parametrize("filters", [{}, {"tag": "t"}, {"kind": "work", "limit": 7}, {"state": State.RUNNING}])
def test_a_search_passes_over_the_damaged_ones(file: File, filters: dict[str, Any]) -> None:
    jobs = many(file.books, tags=["t"])
    for job in jobs:
        file.books.start(job)
    file.books.store.db.execute("VACUUM")
    books = file.damage(leaf)
    bad = lost(books, jobs)
    found: list[int] = []
    while page := [job.id for job in books.page(**filters, before=found[-1] if found else None)]:
        found += page
    assert found[::-1] == [job for job in jobs if job not in bad]
    assert 5 < len(bad) < MANY // 4


def test_a_key_of_a_damaged_job_finds_the_others(file: File) -> None:
    sound = file.books.one(key="k", queue="other")
    for n in range(MANY):
        file.books.one(payload=text(n), key="k" if n == 100 else None)
    books = file.damage(leaf)
    assert [job.id for job in books.page(key="k")] == [sound]


def test_a_task_goes_on_behind_damaged_jobs(tmp_path: Path) -> None:
    hall = Hall(tmp_path / "data")
    try:
        line = hall.start().session()
        payloads = [{"kind": "n", "payload": f"{n:06}" * 15, "tags": ["t"]} for n in range(MANY)]
        jobs = line.ok("submit", jobs=payloads)["ids"]
        assert hall.stop() == 0
        flip(hall.data / "hall.db", leaf((hall.data / "hall.db").read_bytes()) * PAGE + PAGE // 2, 3)
        line = hall.start().session()
        line.ok("cancel", where={"queue": "default"})
        deadline = time.monotonic() + 30.0
        while "cancelled" not in {line.ask("get", ids=[jobs[at]]).get("jobs", [{}])[0].get("state") for at in (0, 199)}:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        while line.ok("get", ids=[jobs[0]])["jobs"][0]["state"] != "cancelled":
            assert time.monotonic() < deadline, "it ended at the damaged ones"
            time.sleep(0.05)
    finally:
        hall.close()


def wait_for_damage(line: Line) -> None:
    """Until the sweep has come to the damaged page; a hall that stops there ends the line."""
    deadline = time.monotonic() + 30.0
    while not line.ok("metrics")["metrics"]["storage_damaged"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_hall_lives_beside_a_damaged_page_through_every_start(tmp_path: Path) -> None:
    hall = Hall(tmp_path / "data")
    try:
        line, worker = hall.start().session(), hall.session(worker="w-1")
        assert line.ok("metrics")["metrics"]["storage_damaged"] == 0
        payloads = [{"kind": "n", "payload": f"{n:06}" * 15, "keep_seconds": 1} for n in range(MANY)]
        line.ok("submit", jobs=payloads)
        worker.ok("work", kinds=["*"], credit=MANY)
        ended = [{"id": run["id"], "attempt": 1, "result": 1} for run in worker.runs(MANY)]
        worker.ok("done", jobs=ended)
        assert hall.stop() == 0
        flip(hall.data / "hall.db", leaf((hall.data / "hall.db").read_bytes()) * PAGE + PAGE // 2, 3)
        for turn in range(3):
            line, worker = hall.start().session(), hall.session(worker=f"v-{turn}")
            job = line.ok("submit", kind="k", payload=turn)["id"]
            worker.ok("work", kinds=["k"], credit=1)
            assert [run["id"] for run in worker.runs()] == [job]
            worker.ok("done", id=job, attempt=1, result=1)
            wait_for_damage(line)
            assert hall.stop() == 0
    finally:
        hall.close()
