"""G1, G19: files are synced, the directories that name them are not: a power cut leaves files that nobody can find."""

from __future__ import annotations

from pathlib import Path

from hirehall import durable
from hirehall.service import access
from hirehall.stores import sqlite, sqlite_backup
from tests.mutants import Replace

CATCHERS = ("power cut",)


def plant(replace: Replace) -> None:
    def sync_directory(directory: Path) -> None:
        """Nothing is waited for."""

    for module in (durable, access, sqlite, sqlite_backup):
        replace(module, "sync_directory", sync_directory)
