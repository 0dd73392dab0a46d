"""G3: a submit that was stored is answered with an error."""

from __future__ import annotations

from typing import Any

from hirehall.errors import Busy
from hirehall.model import State
from hirehall.service import client_commands
from tests.mutants import Replace

CATCHERS = (
    "tales",
    "tests/service/test_honest_answers.py::test_as_many_jobs_are_stored_as_submits_were_answered_ok",
)


def plant(replace: Replace) -> None:
    original = client_commands.submitted

    def submitted(operation: Any) -> Any:
        answer = original(operation)
        if operation.jobs[0].spec.key is None and operation.jobs[0].state is State.READY:
            raise Busy("try again later")
        return answer

    replace(client_commands, "submitted", submitted)
