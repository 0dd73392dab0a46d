"""One call of a hall's to its disk fails, anywhere between its first and its last one; `make power-cuts` tries all."""

from __future__ import annotations

import pytest

from tests.disk.io_errors import KINDS, Fault, Kind, run, sweep

pytestmark = pytest.mark.slow

STRIDES = {"pwrite64": 59, "pread64": 31, "fdatasync": 9, "openat": 7, "mmap": 5}
MOMENT = 5.0  # seconds from the error to the end of the process; a second on a machine that has nothing else to do


@pytest.mark.parametrize("kind", KINDS, ids=str)
def test_a_hall_whose_disk_fails_once_goes_on_or_stops_and_keeps_what_it_answered(kind: Kind) -> None:
    outcomes = list(sweep(kind, STRIDES.get(kind.call, 2)))
    assert outcomes, "no such call was made"
    assert not [outcome.why for outcome in outcomes if outcome.why]
    assert max(outcome.seconds for outcome in outcomes) < MOMENT


def test_a_hall_that_passes_over_a_failed_sync_is_found() -> None:
    assert run(Fault(KINDS[1], 12), mutant="retry_fsync").why
