"""G24: a second hall may work on the same file."""

from __future__ import annotations

import os
from pathlib import Path

from hirehall.stores import sqlite
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_opening.py::test_a_second_hall_on_the_same_data_is_refused_until_the_first_closes",)


def plant(replace: Replace) -> None:
    def lock(path: Path) -> int:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(Path(f"{path}.lock"), os.O_RDWR | os.O_CREAT, 0o600)

    replace(sqlite, "lock", lock)
