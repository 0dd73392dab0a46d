"""What a verb is made of: one request and how to read its answer. The shells only carry them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, NamedTuple, TypeVar

from hirehall.client.lines import Line
from hirehall.wire.body import encode_body

T = TypeVar("T")


class Ask(NamedTuple, Generic[T]):
    """One request. `repeat`: may be said again after a lost connection. `encode`: as `Session.ask` takes it."""

    command: dict[str, Any]
    read: Callable[[Line, bytes], T]
    repeat: bool
    encode: Callable[[Any], bytes] = encode_body
