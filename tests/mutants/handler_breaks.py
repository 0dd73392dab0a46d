"""G27: a command breaks its handler."""

from __future__ import annotations

from typing import Any

from hirehall.service.hall import Hall
from hirehall.wire import requests
from tests.mutants import Replace

CATCHERS = ("fuzzer",)


def plant(replace: Replace) -> None:
    original = Hall._answer_to

    def answer_to(hall: Hall, session: Any, message: Any) -> Any:
        if type(message) is requests.Can:
            raise OverflowError("too large")
        return original(hall, session, message)

    replace(Hall, "_answer_to", answer_to)
