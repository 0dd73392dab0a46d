"""Migrations: the steps of a migration are committed one by one, so that one that fails leaves a half."""

from __future__ import annotations

from typing import Any

from hirehall.stores import sqlite, sqlite_upgrade
from tests.mutants import Replace

CATCHERS = ("tests/stores/test_migrations.py::test_a_step_that_fails_leaves_the_file_as_it_was",)


def plant(replace: Replace) -> None:
    original = sqlite_upgrade.upgrade

    def upgrade(db: Any) -> bool:
        if not db.pragma("user_version"):
            return original(db)
        missing = sqlite_upgrade.steps_from(db.pragma("user_version"))
        for step in missing:
            for _ in db.execute(sqlite_upgrade.STEPS[step].read_text()):
                pass
            db.pragma("user_version", step)
        return bool(missing)

    replace(sqlite, "upgrade", upgrade)
