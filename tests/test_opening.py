"""The order in which the doors of a hall open."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from hirehall.app import Building
from hirehall.config import settle
from hirehall.doors.tcp import LineDoor


def test_who_is_greeted_first_hears_where_files_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that waits for its hall comes before all doors are open."""
    known: list[str] = []
    opened = LineDoor.open

    async def noted(door: LineDoor) -> str:
        known.append(door._hall.tokens.logins.url)
        return await opened(door)

    async def main() -> str | None:
        building = Building(
            settle({"data": str(tmp_path), "tcp": "127.0.0.1:0", "http": "127.0.0.1:0", "store": "memory:"}, {})
        )
        await building.open()
        await building.close()
        return building.http

    monkeypatch.setattr(LineDoor, "open", noted)
    http = asyncio.run(main())
    assert http is not None
    assert set(known) == {http}
