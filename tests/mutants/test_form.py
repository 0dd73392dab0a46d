"""Every mutant says what it is, puts something wrong in the place of something, and stands on the page."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.mutants import about, names, plant
from tests.mutants._catching import ROOT, SEEDED
from tests.mutants._table import PAGE

TOPICS = "After|Locks|Queues|Workers|Expiry|Logs|Events|Tokens|Backups|Migrations"  # promises that have no number
BREAKS = re.compile(rf"G([1-9]|[12]\d|3[0-3])(, G([1-9]|[12]\d|3[0-3]))*|{TOPICS}")


def test_there_are_at_least_thirty() -> None:
    assert len(names()) >= 30


@pytest.mark.parametrize("name", names())
def test_a_mutant_says_what_is_wrong_and_what_that_breaks(name: str) -> None:
    mutant = about(name)
    assert BREAKS.fullmatch(mutant.breaks), mutant.breaks
    assert mutant.wrong.endswith(".")
    assert mutant.catchers


@pytest.mark.parametrize("name", names())
def test_those_who_must_see_a_mutant_exist(name: str) -> None:
    for catcher in about(name).catchers:
        path, _, test = catcher.partition("::")
        assert catcher in SEEDED or f"def {test}(" in (ROOT / path).read_text()


@pytest.mark.parametrize("name", names())
def test_a_mutant_replaces_what_is_there_by_something_else(name: str) -> None:
    replaced: list[tuple[Any, str, Any]] = []
    plant(name, lambda owner, attribute, wrong: replaced.append((owner, attribute, wrong)))
    assert replaced
    for owner, attribute, wrong in replaced:
        assert getattr(owner, attribute) != wrong, attribute


def test_the_page_shows_every_mutant_as_it_is_and_no_other() -> None:
    """After a new one, or another word about one: `make mutants`."""
    rows = dict(re.findall(r"^\| \[(\w+)\]\([^)]*\) (\|.*?\|.*?\|)", PAGE.read_text(), re.MULTILINE))
    assert rows == {name: f"| {about(name).breaks} | {about(name).wrong} |" for name in names()}


def test_nobody_on_the_page_has_survived() -> None:
    assert "**nobody**" not in PAGE.read_text()
