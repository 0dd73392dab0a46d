"""G3: a submit is answered twice: whoever counts answers takes the second for the next one's."""

from __future__ import annotations

from typing import Any

from hirehall.service.hall import Hall
from hirehall.service.sessions import Session
from hirehall.wire.replies import Submitted
from tests.mutants import Replace

CATCHERS = ("fuzzer",)


def plant(replace: Replace) -> None:
    original = Hall._say

    def say(hall: Hall, session: Any, ref: Any, answer: Any) -> None:
        original(hall, session, ref, answer)
        if type(answer) is Submitted:
            original(hall, session, ref, answer)

    original_row = Session.put_all
    replace(Hall, "_say", say)
    replace(Session, "put_all", lambda session, replies: original_row(session, [*replies, *replies[-1:]]))
