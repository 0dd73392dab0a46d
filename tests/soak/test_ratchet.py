"""The leak ratchet of CI. 10,000 jobs take four seconds of CPU, so that there is time for a warm-up as well."""

from __future__ import annotations

import pytest

from tests.soak.gauge import MIB
from tests.soak.ratchet import Round, play, table

pytestmark = pytest.mark.slow
JOBS = 10_000
WARM_UP = 3  # rounds, in which the ring of 100,000 events fills, and caches and heaps find their sizes
MOST = 1.0  # MiB more after the third round than after the second


@pytest.fixture(scope="module")
def rounds(tmp_path_factory: pytest.TempPathFactory) -> list[Round]:
    return play(tmp_path_factory.mktemp("soak") / "ratchet", JOBS, WARM_UP + 3)


@pytest.mark.parametrize("process", Round._fields)
def test_the_third_time_the_same_work_takes_no_more_than_the_second_time(rounds: list[Round], process: str) -> None:
    print(table(rounds))
    first, second, third = (getattr(it, process) for it in rounds[WARM_UP:])
    assert (third.anonymous - second.anonymous) / MIB <= MOST
    assert first.fds == second.fds == third.fds
    assert first.threads == second.threads == third.threads
