"""Conformance: searches find what fits, pages join without a gap, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from hirehall.core import lifecycle
from hirehall.core.operations import Change
from hirehall.model import State
from hirehall.ports import Found, Search
from hirehall.stores import sqlite_search
from hirehall.stores.sqlite import SQLiteStore
from hirehall.stores.sqlite_search import QUEUES_AT_ONCE
from tests.stores.books import ANNA, BERT, START_MS, Books, lane, spec
from tests.stores.makers import MAKERS

FAR_MS = 253_402_300_799_999  # the end of the year 9999: no id reaches it
ONLY_FILES = pytest.mark.parametrize("maker", [name for name, maker in MAKERS.items() if maker.survives], indirect=True)


def tag(books: Books, word: str, *jobs: int) -> None:
    books.store.db.executemany("INSERT INTO tags VALUES (?, ?)", [(word, job) for job in jobs])


def found(books: Books, **filters: Any) -> list[int]:
    return [job.id for job in books.page(**filters)]


def pages(books: Books, limit: int, **filters: Any) -> Iterator[Found]:
    """Page after page, until there is no next one."""
    page = books.find(limit, **filters)
    yield page
    while page.next is not None:
        page = books.find(limit, before=page.next, **filters)
        yield page


# What fits.


def test_a_job_is_found_by_its_key_in_one_queue_or_in_all(books: Books) -> None:
    first = books.one(key="twin")
    second = books.one(key="twin", queue="images")
    books.one(key="other", queue="images")
    books.one()
    assert found(books, key="twin") == [second, first]
    assert found(books, key="twin", queue="images") == [second]
    assert found(books, key="nobody") == found(books, key="twin", queue="nowhere") == []


def test_a_key_is_found_in_more_queues_than_one_look_holds(books: Books) -> None:
    queues = [f"q{number:04}" for number in range(QUEUES_AT_ONCE + 10)]
    jobs = books.submit(*(spec(key="twin", queue=queue) for queue in queues)).ids
    assert found(books, key="twin") == jobs[::-1]
    seen = [job.id for page in pages(books, 100, key="twin") for job in page.jobs]
    assert seen == jobs[::-1]


def test_jobs_are_found_by_a_tag(books: Books) -> None:
    jobs = [books.one() for _ in range(5)]
    tag(books, "red", *jobs[1:4])
    tag(books, "redder", jobs[0])
    assert found(books, tag="red") == jobs[3:0:-1]
    assert found(books, tag="re") == []
    assert found(books, tag="red", before=jobs[3]) == jobs[2:0:-1]


def test_jobs_are_found_by_the_worker_that_has_or_had_them(books: Books) -> None:
    first, second, third = (books.one() for _ in range(3))
    books.claim(lane(), ANNA, BERT, ANNA)
    books.succeed(third)
    assert found(books, worker="anna") == [third, first]
    assert found(books, worker="anna", state=State.RUNNING) == [first]
    assert found(books, worker="bert") == [second]


@pytest.mark.parametrize("state", [State.READY, State.RUNNING, State.FAILED, State.SUCCEEDED, State.CANCELLED])
def test_jobs_are_found_by_their_state(books: Books, state: State) -> None:
    jobs = {each: in_state(books, each) for each in (State.READY, State.CANCELLED, State.FAILED, State.SUCCEEDED)}
    jobs[State.RUNNING] = in_state(books, State.RUNNING)
    assert found(books, state=state) == [jobs[state]]


def in_state(books: Books, state: State) -> int:
    """A new job, brought to this state."""
    job = books.one(state.word)
    if state is State.CANCELLED:
        books.cancel(job)
    elif state is not State.READY:
        books.claim(lane(state.word), ANNA)
    if state is State.SUCCEEDED:
        books.succeed(job)
    elif state is State.FAILED:
        books.end(lifecycle.FAIL, job, State.FAILED)
    return job


def test_jobs_are_found_by_the_time_of_their_submit(books: Books) -> None:
    jobs = []
    for _ in range(4):
        jobs.append(books.one())
        books.pass_time(60)
    at = [START_MS + 60_000 * minute for minute in range(5)]
    assert found(books, created_after_ms=at[1]) == jobs[:0:-1]
    assert found(books, created_before_ms=at[2]) == jobs[1::-1]
    assert found(books, created_after_ms=at[1], created_before_ms=at[3]) == [jobs[2], jobs[1]]
    assert found(books, created_after_ms=at[1] + 1, created_before_ms=at[2]) == []
    assert found(books, created_after_ms=0) == jobs[::-1]
    assert found(books, created_before_ms=0) == found(books, created_after_ms=FAR_MS) == []
    assert found(books, created_before_ms=FAR_MS, created_after_ms=-FAR_MS) == jobs[::-1]


def test_everything_given_must_hold(books: Books) -> None:
    fits = books.one("resize", queue="images", key="a")
    others = [
        books.one("resize", queue="images"),
        books.one("scan", queue="images", key="b"),
        books.one("resize", key="a"),
    ]
    tag(books, "red", fits, *others)
    for filters in (
        {"tag": "red", "queue": "images", "kind": "resize", "state": State.READY, "key": "a"},
        {"key": "a", "kind": "resize", "queue": "images", "tag": "red"},
        {"key": "a", "tag": "red", "queues": frozenset({"images"})},
    ):
        assert found(books, **filters) == [fits]
    books.cancel(fits)
    assert found(books, tag="red", key="a", queue="images", state=State.READY) == []


def test_only_jobs_of_the_askers_queues_are_found(books: Books) -> None:
    mine = books.one("resize", queue="images", key="a")
    theirs = books.one("resize", key="a")
    tag(books, "red", mine, theirs)
    for filters in ({}, {"kind": "resize"}, {"key": "a"}, {"tag": "red"}, {"state": State.READY}):
        assert found(books, queues=frozenset({"images", "more"}), **filters) == [mine]
        assert found(books, queues=frozenset(), **filters) == []
        assert found(books, **filters) == [theirs, mine]
    assert found(books, queue="default", queues=frozenset({"images"})) == []


def test_what_is_found_leaves_out_what_can_be_large(books: Books) -> None:
    job = books.one(payload=b"[1]", key="a")
    books.claim(lane(), ANNA)
    books.succeed_in_hand(job, result=b"[2]")
    for filters in ({}, {"key": "a"}, {"state": State.SUCCEEDED}):
        (shown,) = books.page(**filters)
        assert (shown.payload, shown.result, shown.history) == (None, None, None)


# Pages.


@pytest.mark.parametrize(
    "filters", [{}, {"tag": "red"}, {"state": State.READY}, {"kind": "work"}, {"state": State.RUNNING}]
)
def test_pages_have_no_gaps_and_no_repeats_while_jobs_are_added(books: Books, filters: dict[str, Any]) -> None:
    jobs = books.submit(*(spec() for _ in range(250))).ids
    tag(books, "red", *jobs)
    if filters.get("state") is State.RUNNING:
        books.claim(lane(), *[ANNA] * 250)
    seen = []
    for page in pages(books, 30, **filters):
        seen += [job.id for job in page.jobs]
        tag(books, "red", *books.submit(spec(), spec()).ids)
    assert seen == jobs[::-1]


def test_a_full_page_tells_where_it_goes_on_and_the_last_one_nothing(books: Books) -> None:
    jobs = [books.one() for _ in range(3)]
    first = books.find(2)
    assert (first.next, first.looked_back_to) == (jobs[1], None)
    last = books.find(2, before=first.next)
    assert ([job.id for job in last.jobs], last.next, last.looked_back_to) == ([jobs[0]], None, None)


def test_an_id_that_no_hall_gave_out_goes_on_with_nothing(books: Books) -> None:
    books.one()
    assert found(books, before=-1) == found(books, before=0) == []


# A large store.

ROWS = 200_000
RARE = 7  # the only job of its kind, and nearly the oldest
FILL = f"""
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS})
INSERT INTO jobs (id, place, lane, queue, kind, state, attempt, forgiven, max_attempts, keep_ms, owner, payload)
SELECT i << 22, i, iif(i = {RARE}, 2, 1), 'default', iif(i = {RARE}, 'rare', 'work'), 2, 0, 0, 5, 1000, 'team',
       x'6e756c6c'
FROM n
"""
LANES = "INSERT INTO lanes VALUES (1, 'default', 'work', '{}', 'team', 0), (2, 'default', 'rare', '{}', 'team', 0)"


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of 200,000 jobs."""
    path = tmp_path_factory.mktemp("crowded") / "hall.db"

    async def fill() -> None:
        store = SQLiteStore(str(path))
        await store.open()
        with store.db:
            store.db.execute(LANES)
            store.db.execute(FILL)
        await store.close()

    asyncio.run(fill())
    return path


@pytest.fixture(params=["file", "memory"])
def crowd(request: pytest.FixtureRequest, crowded: Path, runner: asyncio.Runner) -> Iterator[SQLiteStore]:
    store = SQLiteStore(str(crowded) if request.param == "file" else ":memory:")
    runner.run(store.open())
    if request.param == "memory":
        store.db.execute(LANES)
        store.db.execute(FILL)
    yield store
    runner.run(store.close())


def test_a_search_that_runs_out_of_time_says_how_far_it_looked_and_can_go_on(
    crowd: SQLiteStore, runner: asyncio.Runner
) -> None:
    query = Search(1, kind="rare", seconds=0.005)
    looks = [runner.run(crowd.read(query))]
    while not looks[-1].jobs:
        assert looks[-1].looked_back_to == looks[-1].next is not None
        looks.append(runner.run(crowd.read(Search(1, kind="rare", seconds=0.005, before=looks[-1].next))))
    assert len(looks) > 1
    assert [job.id for job in looks[-1].jobs] == [RARE << 22]
    reached = [look.looked_back_to for look in looks[:-1]]
    assert all(earlier > later > RARE << 22 for earlier, later in itertools.pairwise(reached))


def test_a_search_takes_about_as_long_as_it_may(crowd: SQLiteStore, runner: asyncio.Runner) -> None:
    began = time.monotonic()
    assert runner.run(crowd.read(Search(1, kind="none", seconds=0.01))).looked_back_to is not None
    assert time.monotonic() - began < 0.2
    assert runner.run(crowd.read(Search(1, kind="none", seconds=60.0))) == Found([], None, None)


class Ticks:
    """A clock by which every look at it takes a millisecond."""

    def __init__(self) -> None:
        self.ms = 0

    def monotonic(self) -> float:
        self.ms += 1
        return self.ms / 1000


def test_a_search_ends_in_time_though_others_look_before_it(
    crowd: SQLiteStore, runner: asyncio.Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Ticks()
    monkeypatch.setattr(sqlite_search, "time", clock)

    async def looks() -> list[Found]:
        return await asyncio.gather(*(crowd.read(Search(1, kind="none", seconds=0.02)) for _ in range(8)))

    found = runner.run(looks())
    assert all(look.looked_back_to is not None for look in found), "each has looked, and says how far"
    assert clock.ms < 8 * 20, "the first has used up the time of the others, who get the least"


def test_the_loop_goes_on_during_a_search(crowd: SQLiteStore, runner: asyncio.Runner) -> None:
    async def longest_delay() -> float:
        searches = asyncio.gather(
            *(crowd.read(Search(1_000, kind=kind, seconds=60.0)) for kind in ("none", "rare", "work"))
        )
        longest, last = 0.0, time.monotonic()
        while not searches.done():
            await asyncio.sleep(0)
            now = time.monotonic()
            longest, last = max(longest, now - last), now
        await searches
        return longest

    # The machine may be busy with something else once; a search that stops the loop does so every time.
    assert min(runner.run(longest_delay()) for _ in range(3)) < 0.02


# Only what is durable.


class SlowDisk:
    """A sync that takes until it is told."""

    def __init__(self, store: SQLiteStore) -> None:
        self.began, self.release = asyncio.Event(), asyncio.Event()
        self._sync, store._sync = store._sync, self

    async def __call__(self) -> None:
        self.began.set()
        await self.release.wait()
        await self._sync()


@ONLY_FILES
@pytest.mark.parametrize("query", [Search(9), Search(9, key="a"), Search(9, state=State.READY)])
def test_a_search_waits_for_what_is_committed_but_not_durable(books: Books, query: Search) -> None:
    async def watch() -> tuple[bool, int]:
        disk = SlowDisk(books.store)
        batch = books.batch()
        books.add_submit(batch, spec(key="a"))
        applying = asyncio.ensure_future(books.store.apply(batch))
        await disk.began.wait()
        searching = asyncio.ensure_future(books.store.read(query))
        for _ in range(20):
            await asyncio.sleep(0)
        too_early = searching.done()
        disk.release.set()
        await applying
        return too_early, len((await searching).jobs)

    assert books.run(watch()) == (False, 1)


@ONLY_FILES
def test_a_search_sees_one_moment_though_jobs_move_meanwhile(books: Books) -> None:
    jobs = books.submit(*(spec() for _ in range(1_000))).ids

    async def watch() -> list[int]:
        searching = asyncio.ensure_future(books.store.read(Search(1_000, state=State.READY, seconds=60.0)))
        for _ in range(4):
            await asyncio.sleep(0)
        assert not searching.done()
        batch = books.batch()
        batch.changes.append(Change(lifecycle.CANCEL, jobs[0], State.CANCELLED))
        await books.store.apply(batch)
        assert not searching.done() or jobs[0] in [job.id for job in searching.result().jobs]
        return [job.id for job in (await searching).jobs]

    assert books.run(watch()) == jobs[::-1]
    assert len(found(books, state=State.READY)) == 999


@ONLY_FILES
def test_a_search_leaves_the_log_free_to_be_emptied_also_when_nobody_waits_for_it(books: Books) -> None:
    books.submit(*(spec() for _ in range(1_000)))

    async def give_up() -> None:
        searching = asyncio.ensure_future(books.store.read(Search(1_000, seconds=60.0)))
        for _ in range(4):
            await asyncio.sleep(0)
        searching.cancel()
        await asyncio.wait([searching])
        assert searching.cancelled()

    books.run(give_up())
    found(books)
    other = apsw.Connection(books.store.path)
    busy, *_ = other.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    other.close()
    assert busy == 0
