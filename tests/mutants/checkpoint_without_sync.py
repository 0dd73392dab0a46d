"""G19: the log is carried over into the file without waiting for either, and then begun anew."""

from __future__ import annotations

from pathlib import Path

from hirehall.stores.wal import Wal
from tests.mutants import Replace

CATCHERS = (
    "power cut",
    "tests/stores/test_syncing.py::test_every_connection_that_writes_syncs_what_it_carries_over",
)


def plant(replace: Replace) -> None:
    original = Wal.__init__

    def begin(wal: Wal, path: Path) -> None:
        original(wal, path)
        wal._connection.pragma("synchronous", "off")

    replace(Wal, "__init__", begin)
