"""G5: whoever is let in may do everything, also remove jobs."""

from __future__ import annotations

from hirehall.service import hall
from tests.mutants import Replace

CATCHERS = ("tests/service/test_roles.py::test_a_command_is_open_to_its_roles_and_to_no_others",)


def plant(replace: Replace) -> None:
    replace(hall, "check_role", lambda session, command: None)
