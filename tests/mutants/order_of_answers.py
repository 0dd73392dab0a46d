"""G3: an answer that needs no commit overtakes those before it that do."""

from __future__ import annotations

from typing import Any

from hirehall.service.hall import LATER, Hall
from tests.mutants import Replace

CATCHERS = ("fuzzer",)


def plant(replace: Replace) -> None:
    def answer(hall: Any, session: Any, ref: Any, what: Any) -> None:
        if type(what) in LATER:
            session.unanswered += 1
            hall._entries.append((session, ref, what))
        elif what is not None:
            hall._say(session, ref, what)

    replace(Hall, "answer", answer)
