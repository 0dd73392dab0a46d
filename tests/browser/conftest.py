"""One hall with something to see and one browser for all of these tests; each test has visitors of its own."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser.stage import Stage, Visitor, chromium, opened

Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, until the end of the file: while it is driven its loop runs, in which no coroutine test can."""
    if shutil.which("chromium") is None:
        pytest.skip("there is no Chromium here: apt-get install chromium")
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def played() -> Iterator[Stage]:
    """A hall with queues, workers and failures, for who only looks."""
    with opened() as stage:
        stage.play()
        yield stage


@pytest.fixture
def stage() -> Iterator[Stage]:
    """A hall with nothing in it yet."""
    with opened() as stage:
        yield stage


@pytest.fixture
def visit(browser: Browser) -> Iterator[Visit]:
    """`visit(stage)` is somebody who is logged in; nothing may have been refused or complained of in the end."""
    visitors: list[Visitor] = []

    def enter(stage: Stage, token: str | None = None, **options: object) -> Visitor:
        visitor = Visitor(browser, stage.server.http, **options)
        visitors.append(visitor)
        visitor.log_in(token or stage.server.token)
        return visitor

    yield enter
    for visitor in visitors:
        visitor.close()
        assert visitor.unexpected == []
