"""What a crowd and its director say to each other: JSON lines on stdout, words on stdin."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from typing import Any


class Words:
    """The crowd's side."""

    def __init__(self) -> None:
        self._told: asyncio.Queue[str] = asyncio.Queue()
        os.set_blocking(0, False)
        asyncio.get_running_loop().add_reader(0, self._read)

    def _read(self) -> None:
        data = os.read(0, 4096).decode()
        for word in data.split() or ["end"]:  # a director that is gone wants nothing more
            self._told.put_nowait(word)
        if not data:
            asyncio.get_running_loop().remove_reader(0)

    def say(self, **facts: Any) -> None:
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()

    async def next(self) -> str:
        """The next word; `end` when there will be none."""
        return await self._told.get()

    async def end(self) -> None:
        """Whatever else is said, until `end` is."""
        while await self.next() != "end":
            pass
