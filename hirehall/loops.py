"""Which event loop a process of ours runs on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

NewLoop = Callable[[], asyncio.AbstractEventLoop]


def fastest() -> NewLoop:
    """uvloop where there is one: a turn of it costs a fraction of asyncio's own."""
    try:
        import uvloop  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return asyncio.new_event_loop
    return uvloop.new_event_loop
