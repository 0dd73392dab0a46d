"""Backups: the pieces of a backup are read while the hall writes, each as it is then."""

from __future__ import annotations

from typing import Any

import apsw

from hirehall.stores import sqlite_backup
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_backup.py::test_a_backup_shows_one_moment_though_the_hall_writes_between_its_pieces",)


def plant(replace: Replace) -> None:
    def copy(source: apsw.Connection, path: Any, progress: Any) -> None:
        target = apsw.Connection(str(path))
        with target.backup("main", source, "main") as pieces:
            while not pieces.done:
                pieces.step(sqlite_backup.PIECE_PAGES)
                progress(pieces.page_count - pieces.remaining, pieces.page_count)
        target.pragma("journal_mode", "delete")
        target.close()

    replace(sqlite_backup, "_copy", copy)
