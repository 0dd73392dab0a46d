"""G3: a submit is answered twice: whoever counts answers takes the second for the next one's."""

from __future__ import annotations

from typing import Any

from hirehall.service import hall as hall_module
from hirehall.service.hall import Hall
from hirehall.wire.replies import Submitted
from tests.mutants import Replace

CATCHERS = ("fuzzer",)


def plant(replace: Replace) -> None:
    original = Hall._say

    def say(hall: Hall, session: Any, ref: Any, answer: Any) -> None:
        original(hall, session, ref, answer)
        if type(answer) is Submitted:
            original(hall, session, ref, answer)

    replace(Hall, "_say", say)
    original_row = hall_module.lines_to
    replace(hall_module, "lines_to", lambda row: [*(lines := original_row(row)), *lines[-1:]])
