"""Matching and retry rules, by plain calls."""

from __future__ import annotations

import pytest

from hirehall.core.matching import satisfies, serves
from hirehall.core.policy import attempts_left, backoff_seconds
from hirehall.model import Backoff


@pytest.mark.parametrize(
    ("offers", "requires", "fits"),
    [
        ({}, {}, True),
        ({"mesher": "tetgen"}, {"mesher": "tetgen"}, True),
        ({"mesher": "gmsh"}, {"mesher": "tetgen"}, False),
        ({}, {"mesher": "tetgen"}, False),
        ({"gpu": 2}, {"gpu": 1}, True),
        ({"gpu": 1}, {"gpu": 1.0}, True),
        ({"gpu": 0.5}, {"gpu": 1}, False),
        ({"os": ["linux", "bsd"]}, {"os": "bsd"}, True),
        ({"os": ["linux", "bsd"]}, {"os": "mac"}, False),
        ({"sizes": [1, 2]}, {"sizes": 2}, True),
        ({"sizes": [3]}, {"sizes": 2}, False),
        ({"fast": True}, {"fast": True}, True),
        ({"fast": False}, {"fast": True}, False),
        ({"fast": 1}, {"fast": True}, False),
        ({"gpu": True}, {"gpu": 1}, False),
        ({"gpu": "2"}, {"gpu": 1}, False),
        ({"gpu": 1, "ram": 8}, {"gpu": 1, "ram": 16}, False),
    ],
)
def test_offers_satisfy_requires(offers: dict, requires: dict, fits: bool) -> None:
    assert satisfies(offers, requires) is fits


def test_a_star_serves_every_kind_of_its_queues() -> None:
    assert serves(frozenset({"q"}), frozenset({"*"}), "q", "anything")
    assert not serves(frozenset({"q"}), frozenset({"*"}), "other", "anything")
    assert not serves(frozenset({"q"}), frozenset({"a"}), "q", "b")


def test_forgiven_attempts_do_not_count() -> None:
    assert attempts_left(attempt=1, forgiven=0, max_attempts=2)
    assert not attempts_left(attempt=2, forgiven=0, max_attempts=2)
    assert attempts_left(attempt=2, forgiven=1, max_attempts=2)


def test_backoff_grows_to_its_cap_and_jitters_within_its_part() -> None:
    rule = Backoff(base_seconds=1, max_seconds=10, jitter=0)
    assert [backoff_seconds(rule, tries, 0.5) for tries in (1, 2, 3, 4, 5)] == [1, 2, 4, 8, 10]
    assert backoff_seconds(rule, 10_000, 0.5) == 10
    spread = Backoff(base_seconds=100, jitter=0.1)
    assert backoff_seconds(spread, 1, 0.0) == pytest.approx(90)
    assert backoff_seconds(spread, 1, 1.0) == pytest.approx(110)


def test_backoff_may_be_constant_or_linear() -> None:
    assert [backoff_seconds(Backoff("constant", 3, jitter=0), tries, 0.5) for tries in (1, 5)] == [3, 3]
    assert [backoff_seconds(Backoff("linear", 3, jitter=0), tries, 0.5) for tries in (1, 5)] == [3, 15]
