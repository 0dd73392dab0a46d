"""The second third of CI's seeds; see tests/sim/seeds.py."""

from __future__ import annotations

import pytest

from tests.sim.seeds import CHUNKS, Third

THIRD = Third(1)


@pytest.mark.slow
@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_no_promise_is_broken_whatever_fails(chunk: int) -> None:
    THIRD.run(chunk)


@pytest.mark.slow
def test_every_rare_event_did_happen() -> None:
    assert THIRD.missing() == []
