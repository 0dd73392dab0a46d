"""How a transfer in a thread hears that it is to end."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Stopped(Exception):
    """Nobody wants this transfer any more."""


class Stop:
    """Whether it is to end, for the thread to look at; `is_connected` whether the hall has us on the line."""

    def __init__(self, is_connected: Callable[[], bool]) -> None:
        self.is_connected = is_connected
        self._told = threading.Event()

    def tell(self) -> None:
        """End it."""
        self._told.set()

    def look(self, _bytes: int = 0) -> None:
        """Raises Stopped."""
        if self._told.is_set():
            raise Stopped

    def pause(self, seconds: float) -> None:
        """Do nothing for so long. Raises Stopped."""
        if self._told.wait(seconds):
            raise Stopped
