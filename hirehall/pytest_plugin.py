"""The fixture `hall_server` for tests of job functions. pytest finds it by itself where Hirehall is installed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from hirehall.testing import HallTestServer


@pytest.fixture
def hall_server() -> Iterator[HallTestServer]:
    """A hall of this test alone, in memory. See hirehall.testing."""
    from hirehall.testing import HallTestServer  # noqa: PLC0415 - other people's tests must not load a server

    with HallTestServer() as server:
        yield server
