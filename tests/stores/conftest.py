"""Every test of the suite runs on every store, and after each the sums of each open store must be true."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores.books import Books, StoreFactory
from tests.stores.makers import MAKERS, StoreMaker


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
        books.check_sums(maker)
        books.close()


@pytest.fixture
def books(store_factory: StoreFactory) -> Books:
    """One open store."""
    return store_factory()
