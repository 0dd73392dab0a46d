"""Every test of the suite runs on every store, and after each the sums of each open store must be true."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hirehall.model import State
from tests.stores.books import Books, key_of
from tests.stores.makers import MAKERS, StoreMaker

StoreFactory = Callable[[], Books]


@pytest.fixture
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


@pytest.fixture(params=sorted(MAKERS))
def maker(request: pytest.FixtureRequest, tmp_path: Path) -> StoreMaker:
    return MAKERS[request.param](tmp_path)


@pytest.fixture
def store_factory(maker: StoreMaker, runner: asyncio.Runner) -> Iterator[StoreFactory]:
    """Opens the store; what is still open after the test is checked and closed."""
    opened: list[Books] = []

    def factory() -> Books:
        opened.append(Books(maker.make, runner.run))
        return opened[-1]

    yield factory
    for books in opened:
        check_sums(books, maker)
        books.close()


@pytest.fixture
def books(store_factory: StoreFactory) -> Books:
    """One open store."""
    return store_factory()


def check_sums(books: Books, maker: StoreMaker) -> None:
    """Counts, lanes, running leases and the next stored time are what a look at every job says."""
    jobs = books.all_jobs()
    found = books.recover()
    ready = Counter(key_of(job) for job in jobs if job.state is State.READY)
    assert {key: count for _, key, count in found.lanes} == ready
    assert {row.id for row in found.running} == {job.id for job in jobs if job.state is State.RUNNING}
    assert found.next_wake == min((job.wake_at for job in jobs if job.wake_at is not None), default=None)
    assert maker.counted(books.store) == maker.real(books.store)
    assert maker.declared(books.store) == {lane for lane, _ in maker.real(books.store)}
