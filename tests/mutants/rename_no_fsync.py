"""G19: at start the directory is not synced: after a power cut the log that holds the last jobs has no name."""

from __future__ import annotations

from hirehall.stores import sqlite
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_syncing.py::test_a_file_is_found_again_before_anything_leans_on_it",)


def plant(replace: Replace) -> None:
    replace(sqlite, "sync_directory", lambda directory: None)
