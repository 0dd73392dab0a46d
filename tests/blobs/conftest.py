"""Every test of the suite runs on every place where contents are kept. A new one joins with a row in MAKERS."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hirehall.blobs.local import LocalBlobs
from hirehall.ports import Blobs
from tests.blobs.memory import Disk, MemoryBlobs
from tests.blobs.shelf import START_MS, Shelf

Maker = Callable[[Path, Callable[[], int]], Blobs]
DISKS: dict[Path, Disk] = {}  # by the folder of a test
MAKERS: dict[str, Maker] = {
    "local": lambda folder, clock: LocalBlobs(folder / "blobs", clock),
    "memory": lambda folder, clock: MemoryBlobs(DISKS.setdefault(folder, Disk()), clock),
}


@pytest.fixture(params=sorted(MAKERS))
def shelf(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shelf]:
    """Contents in a test's hands."""
    with asyncio.Runner() as runner:
        shelf = Shelf(lambda: MAKERS[request.param](tmp_path, lambda: shelf.now_ms), runner.run)
        shelf.now_ms = START_MS
        shelf.reopen()
        yield shelf
