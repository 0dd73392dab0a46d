"""G1, G19: replies leave without waiting for the disk; the log is never synced."""

from __future__ import annotations

from hirehall.stores.wal import Wal
from tests.mutants import Replace

CATCHERS = (
    "power cut",
    "tests/stores/test_syncing.py::test_every_batch_is_on_the_disk_before_it_is_answered",
)


def plant(replace: Replace) -> None:
    async def sync(wal: Wal) -> None:
        """Nothing is waited for."""

    replace(Wal, "sync", sync)
