"""G3: a hall that is told to end does so with commands that it has taken and not answered."""

from __future__ import annotations

from typing import Any

from hirehall.service.hall import Hall
from tests.mutants import Replace

CATCHERS = ("tests/service/test_shutdown.py::test_what_came_in_before_the_end_is_done_and_answered",)


def plant(replace: Replace) -> None:
    async def finish(hall: Any) -> None:
        hall.tasks.stop_all()
        hall._finishing = True
        if hall._alarm is not None:
            hall._alarm.cancel()
        hall._committing.cancel()

    replace(Hall, "finish", finish)
