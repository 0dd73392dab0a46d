"""A house for every test that asks for one, and what its files need."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hirehall.runners.pool import ProcessRunner
from hirehall.runners.registry import load, registry
from hirehall.testing import HallTestServer
from tests.worker.cargo import TASKS, Brake
from tests.worker.house import House


@pytest.fixture
def house() -> Iterator[House]:
    with HallTestServer() as server:
        house = House(server)
        yield house
        house.close()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where workers make their directories."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[ProcessRunner]:
    """Functions in processes of their own."""
    file = tmp_path / "tasks_with_files.py"
    file.write_text(TASKS)
    before = dict(registry.functions)
    load(str(file))
    yield ProcessRunner([registry.functions[kind] for kind in ("turned_elsewhere", "large_elsewhere")], [str(file)])
    registry.functions.clear()
    registry.functions.update(before)
    sys.path.remove(str(tmp_path))


@pytest.fixture
def slow_up(monkeypatch: pytest.MonkeyPatch) -> Iterator[Brake]:
    brake = Brake(monkeypatch, "write")
    yield brake
    brake.go.set()


@pytest.fixture
def slow_down(monkeypatch: pytest.MonkeyPatch) -> Iterator[Brake]:
    brake = Brake(monkeypatch, "read")
    yield brake
    brake.go.set()
