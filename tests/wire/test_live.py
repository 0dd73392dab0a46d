"""A real hall under fuzz keeps everybody else's pace."""

from __future__ import annotations

import pytest

from tests.wire import live

SECONDS = 8.0


@pytest.mark.slow
def test_a_hall_under_fuzz_does_a_canarys_jobs_as_fast_as_ever() -> None:
    found = live.run(SECONDS)
    assert found.problems == []
    assert found.keeps_its_pace, (
        f"p99 {found.p99} s under fuzz, {live.percentile(found.busy, 0.99)} s of the hall's own"
    )
