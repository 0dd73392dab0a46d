"""Halls, workers and queue names for the system tests. Everything started here is ended here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.system.agents import Agents
from tests.system.crew import Crew, Hand
from tests.system.deputy import Deputy
from tests.system.hall_process import Hall
from tests.system.lines import dial
from tests.system.raw_worker import Trade

Hire = Callable[..., Hand]
Connect = Callable[..., Deputy]


@pytest.fixture(scope="module")
def shared_hall(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hall]:
    """One hall for all tests of a file; each test uses a queue of its own."""
    hall = Hall(tmp_path_factory.mktemp("hall"))
    try:
        yield hall.start()
        assert hall.stop() == 0
    finally:
        hall.close()


@pytest.fixture
def hall(shared_hall: Hall) -> Iterator[Hall]:
    """The shared hall; the test's connections are closed after it, and a failed test shows what it logged."""
    logged = len(shared_hall.log.read_bytes())
    yield shared_hall
    print(shared_hall.log.read_bytes()[logged:].decode(errors="replace"))
    for line in shared_hall.lines:
        line.close()
    shared_hall.lines.clear()


@pytest.fixture
def own_hall(tmp_path: Path) -> Iterator[Hall]:
    """A hall for tests that kill or freeze it."""
    hall = Hall(tmp_path / "hall")
    hall.data.mkdir()
    try:
        yield hall.start()
    finally:
        hall.close()


@pytest.fixture
def crew(own_hall: Hall, tmp_path: Path) -> Iterator[Crew]:
    """Worker and submitter processes of `own_hall`."""
    crew = Crew(own_hall.data, tmp_path)
    yield crew
    crew.close()


@pytest.fixture
def agents(own_hall: Hall, tmp_path: Path) -> Iterator[Agents]:
    """Official workers of `own_hall`."""
    agents = Agents(own_hall, tmp_path)
    yield agents
    agents.close()


@pytest.fixture
def queue(request: pytest.FixtureRequest) -> str:
    """A queue that only this test uses."""
    return re.sub(r"[^A-Za-z0-9]+", "-", request.node.name)[-60:].strip("-")


@pytest.fixture
def hire(request: pytest.FixtureRequest) -> Iterator[Hire]:
    """Start a worker thread: `hire(hall, "ann", credit=2, queues=(queue,))`."""
    hands: list[Hand] = []

    def start(hall: Hall, name: str, **trade: object) -> Hand:
        hands.append(Hand(hall.data, Trade(name, **trade)))  # type: ignore[arg-type]
        return hands[-1].start()

    yield start
    for hand in hands:
        hand.stop()


@pytest.fixture
def connect(hall: Hall) -> Iterator[Connect]:
    """Connections of Deputy's: `connect()` by TCP, `connect(unix=True)` by UNIX socket."""
    peers: list[Deputy] = []

    def dial_in(*, unix: bool = False) -> Deputy:
        peers.append(Deputy(dial(f"hall+unix://{hall.unix}" if unix else hall.access["url"])))
        return peers[-1]

    yield dial_in
    for peer in peers:
        peer.close()


@pytest.fixture
def kind(queue: str) -> str:
    """A job type that only this test uses; all of Deputy's jobs share one queue."""
    return queue
