"""Lines that were begun must come to an end: one look a second for all of them, no timer for each."""

from __future__ import annotations

import asyncio
from typing import Protocol

LINE_SECONDS = 30  # from a line's first byte to its end, or to its next one where the hall did not read meanwhile
LOOK_SECONDS = 1.0


class Writer(Protocol):
    """Whoever has begun a line."""

    @property
    def is_paused(self) -> bool:
        """Whether it is the hall that does not read."""

    def line_is_late(self) -> None:
        """Its line will not be waited for any longer."""


class Unfinished:
    """Who has begun a line, the longest ago first. Looks are counted, not seconds: a hall that stood still, or had too
    much to do, has not given anybody the time to go on."""

    def __init__(self) -> None:
        self._begun: dict[Writer, int] = {}  # at which look
        self._looks = 0
        self._alarm: asyncio.TimerHandle | None = None

    def begun(self, writer: Writer) -> None:
        """It has begun a line, the last one it began being at its end."""
        self._begun.pop(writer, None)
        self._begun[writer] = self._looks
        if self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)

    def ended(self, writer: Writer) -> None:
        """Its line is at its end, or it is gone."""
        self._begun.pop(writer, None)

    def _look(self) -> None:
        self._looks += 1
        self._alarm = None
        late = []
        for writer, at in self._begun.items():
            if self._looks - at <= LINE_SECONDS:
                break
            late.append(writer)
        for writer in late:
            if writer.is_paused:
                self.begun(writer)
            else:
                self.ended(writer)
                writer.line_is_late()
        if self._begun and self._alarm is None:
            self._alarm = asyncio.get_running_loop().call_later(LOOK_SECONDS, self._look)
