"""The office that most tests of this folder use, and what must be true of it at the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.service.archive import Archive, Desk
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
def boss(request: pytest.FixtureRequest) -> Guest:
    """Who may do everything, in the office that the test uses."""
    office: Office = request.getfixturevalue("archive" if "archive" in request.fixturenames else "office")
    return office.guest("boss")


@pytest.fixture
def archive(tmp_path: Path) -> Iterator[Archive]:
    """An office that keeps files."""
    archive = Archive()
    archive.furnish(tmp_path / "blobs")
    yield archive
    archive.settle()
    archive.check_alive()
    problems = list(archive.problems)
    archive.close()
    assert problems == []


@pytest.fixture
def desk(archive: Archive) -> Desk:
    """Of the hall's own token."""
    return archive.desk()
