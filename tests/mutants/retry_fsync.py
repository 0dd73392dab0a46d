"""G21: an error of the disk while it syncs is met by another try, and what may be lost is answered ok."""

from __future__ import annotations

import contextlib

from hirehall.stores.wal import Wal
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_syncing.py::test_an_error_while_syncing_is_an_error_of_the_store",)


def plant(replace: Replace) -> None:
    original = Wal.sync

    async def sync(wal: Wal) -> None:
        try:
            await original(wal)
        except OSError:  # the system forgets a page that it could not write: the second call finds nothing to do
            with contextlib.suppress(OSError):
                await original(wal)

    replace(Wal, "sync", sync)
