"""The office that most tests of this folder use, and what must be true of it at the end."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.service.office import Guest, Office


@pytest.fixture
def office() -> Iterator[Office]:
    """A hall at noon; at the end it works on and nothing went wrong."""
    office = Office()
    yield office
    office.settle()
    office.check_alive()
    problems = list(office.problems)
    office.close()
    assert problems == []


@pytest.fixture
def boss(office: Office) -> Guest:
    """Who may do everything."""
    return office.guest("boss")
