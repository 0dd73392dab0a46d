"""The power is cut while a file is brought up to date, copied, or replaced."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.disk.deeds import DEEDS, Deed, cut_everywhere


@pytest.mark.slow
@pytest.mark.parametrize("make", DEEDS)
def test_the_power_may_be_cut_while_it_is_done(make: Callable[[], Deed]) -> None:
    deed = make()
    assert [failure for seed in range(2) for failure in cut_everywhere(deed, seed)] == []
