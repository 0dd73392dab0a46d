"""For what happens in another process or thread, which tells nobody when it does."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

LOOK_SECONDS = 0.01  # between two looks


def eventually(is_so: Callable[[], Any], within: float = 60.0) -> None:
    """Wait until it is so. Raises AssertionError after `within` seconds."""
    deadline = time.monotonic() + within
    while not is_so():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(LOOK_SECONDS)
