"""G27: first bytes that are not the protocol are answered, and what stands behind them runs."""

from __future__ import annotations

from hirehall.doors.connection import LineConnection
from tests.mutants import Replace

CATCHERS = ("fuzzer",)


def plant(replace: Replace) -> None:
    replace(LineConnection, "_usable", lambda connection, messages: (messages, False))
