"""kill -9 in the middle of an upload: nothing is visible, and it goes on where it was."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from hirehall.blobs.local import LocalBlobs
from hirehall.errors import NotFound
from hirehall.ports import MAX_PIECE
from tests.blobs.shelf import START_MS, Shelf, facts

PIECES = 64
WRITER = """
import asyncio, sys
from pathlib import Path
from hirehall.blobs.local import LocalBlobs
from hirehall.ports import MAX_PIECE

async def main():
    blobs = LocalBlobs(Path(sys.argv[1]), lambda: 0)
    upload = await blobs.begin("team")
    print(upload.id, flush=True)
    for number in range(64):
        view = await blobs.write(upload.id, number * MAX_PIECE, bytes([number]) * MAX_PIECE)
        print(view.received, flush=True)

asyncio.run(main())
"""


@pytest.mark.parametrize("after", [1, 7, 30])
def test_an_upload_whose_hall_was_killed_is_not_visible_and_goes_on(tmp_path: Path, after: int) -> None:
    folder = tmp_path / "blobs"
    command = [sys.executable, "-c", WRITER, str(folder)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        name = writer.stdout.readline().strip()
        told = [int(writer.stdout.readline()) for _ in range(after)][-1]
        os.kill(writer.pid, signal.SIGKILL)
    data = b"".join(bytes([number]) * MAX_PIECE for number in range(PIECES))
    with asyncio.Runner() as runner:
        shelf = Shelf(lambda: LocalBlobs(folder, lambda: START_MS), runner.run)
        shelf.reopen()
        upload = runner.run(shelf.blobs.received(name))
        assert told <= upload.received <= len(data)
        assert [path.name for path in folder.iterdir()] == ["uploads"], "no part of it is a blob"
        with pytest.raises(NotFound):
            shelf.read(facts(data))
        for at in range(upload.received, len(data), MAX_PIECE):
            shelf.write(upload, at, data[at : at + MAX_PIECE])
        assert shelf.finish(upload) == facts(data)
