"""A fresh hall for every dialogue: what one leaves behind must not answer another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.dialogue import Stage
from tests.system.hall_process import Hall


@pytest.fixture
def hall(tmp_path: Path) -> Iterator[Hall]:
    hall = Hall(tmp_path / "hall")
    try:
        yield hall.start()
    finally:
        hall.close()


@pytest.fixture
def stage(hall: Hall) -> Iterator[Stage]:
    stage = Stage(hall.access["url"], hall.access["token"])
    yield stage
    stage.close()
