"""G3: a client that lost its connection repeats a submit without a key: the job may be there twice."""

from __future__ import annotations

from typing import Any

from hirehall.client.session import Session
from tests.mutants import Replace

FILE = "tests/client/test_session.py"
CATCHERS = (f"{FILE}::test_after_a_reconnect_reads_and_keyed_submits_are_repeated_and_other_submits_are_unknown",)


def plant(replace: Replace) -> None:
    def stays(session: Any, ref: int, call: Any, error: Any) -> bool:
        return session._pushes is None and error is None

    replace(Session, "_stays", stays)
