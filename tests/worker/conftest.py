"""A house for every test that asks for one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hirehall.testing import HallTestServer
from tests.worker.house import House


@pytest.fixture
def house() -> Iterator[House]:
    with HallTestServer() as server:
        house = House(server)
        yield house
        house.close()
