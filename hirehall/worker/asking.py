"""The agent's own requests: who takes their replies, and what is read of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from hirehall.client.lines import Line
from hirehall.client.session import Session
from hirehall.errors import HallError
from hirehall.runners.port import Released
from hirehall.worker.held import Held


class Asked:
    """Takes the reply to one request of the agent."""

    __slots__ = ("_refused", "_session", "_taken")

    def __init__(self, session: Session, taken: Callable[[Any], None], refused: Callable[[HallError], None]) -> None:
        self._session = session
        self._taken = taken
        self._refused = refused

    def done(self) -> bool:
        return False

    def set_result(self, reply: Any) -> None:
        self._taken(reply)

    def set_exception(self, error: HallError) -> None:
        if self._session.is_open:
            self._refused(error)


class _Kept(msgspec.Struct):
    lost: list[str] = []


_decode_kept = msgspec.json.Decoder(_Kept).decode


def read_lost(_line: Line, raw: bytes) -> list[str]:
    """The ids in the answer to `keep` that are not ours any more."""
    return _decode_kept(raw).lost


def nothing(_reply: object) -> None:
    """For a reply that changes nothing."""


def release(held: Held) -> dict[str, Any]:
    """Gives an attempt back, at once: it has begun, unless its execution says otherwise."""
    begun = held.answer.begun if isinstance(held.answer, Released) else True
    return {"cmd": "release", "id": held.id, "attempt": held.attempt, "begun": begun}
