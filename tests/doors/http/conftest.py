"""Tests of the HTTP door are coroutines beside a hall in memory that listens on a real socket."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.doors.http.house import Opening, open_site


@pytest.fixture(autouse=True)
def loop() -> str:
    """The loop of a hall; the line doors' tests show that a door can do with either."""
    return "uvloop"


@pytest.fixture
def site(tmp_path: Path) -> Opening:
    """`async with site as ...`."""
    return open_site(tmp_path)
