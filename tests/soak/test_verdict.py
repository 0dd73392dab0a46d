"""What is a rise, and what is noise."""

from __future__ import annotations

import random

from tests.soak.gauge import MIB
from tests.soak.verdict import Sample, judge


def hours(mib_an_hour: float, pages: float = 0.0) -> list[Sample]:
    """Two hours of a process that rises so fast, in samples that jump by 2 MiB; `pages` of the file are live."""
    chance = random.Random(7)
    size = 30 * MIB
    return [
        Sample(
            at,
            "hall",
            0,
            0,
            round(size + mib_an_hour * MIB * at / 3600 + chance.uniform(-MIB, MIB)),
            *(30, 7),
            *(size, MIB, round(pages * size)),
        )
        for at in range(0, 7200, 10)
    ]


def faults(samples: list[Sample]) -> list[str]:
    return [row.what for row in judge(samples) if not row.holds]


def test_what_stays_level_is_no_leak() -> None:
    assert faults(hours(0.0, pages=0.9)) == []


def test_what_rises_is_one() -> None:
    assert faults(hours(3.0, pages=0.9)) == ["hall: MiB an hour"]


def test_a_file_that_is_mostly_empty_is_too_large() -> None:
    assert faults(hours(0.0, pages=0.3)) == ["database / most live data"]


def test_a_beginning_that_rises_is_a_warm_up() -> None:
    early = [
        it._replace(anonymous=it.anonymous - round((1200 - it.at) * 20_000)) for it in hours(0, 0.9) if it.at < 1200
    ]
    assert faults(early + [it for it in hours(0, 0.9) if it.at >= 1200]) == []
